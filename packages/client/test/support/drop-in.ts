import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import type { Cluster } from '@schooldb/local-cluster';
import * as dropIn from '@schooldb/client/pg';
import pg from 'pg';
import type { ClientConfig, PoolClient, PoolConfig } from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { startTestCluster } from './with-cluster.ts';

/** The original and ours: what is documented of the one must hold for both. */
export const SUBJECTS = [
  ['pg', pg],
  ['drop-in', dropIn.default],
] as const;

export type Subject = (typeof SUBJECTS)[number][1];

export function configOf({ endpoints, database, user, password, ca }: Cluster) {
  return { ...endpoints.master, database, user, password, ssl: { ca } } satisfies ClientConfig;
}

/** One PostgreSQL for the tests of a file, from before the first until after the last. */
export function useServer(): { readonly cluster: Cluster; readonly config: ReturnType<typeof configOf> } {
  let started: Cluster | undefined;
  beforeAll(async () => {
    started = await startTestCluster({ replicas: 0, synchronous: false });
  });
  afterAll(() => started?.stop());
  const running = (): Cluster => {
    if (started === undefined) throw new Error('the server runs in tests only');
    return started;
  };
  return {
    get cluster() {
      return running();
    },
    get config() {
      return configOf(running());
    },
  };
}

/** Ends the pool, also after a failed expectation: a test must not wait for what another has left. */
export async function withPool(
  { Pool }: Pick<Subject, 'Pool'>,
  options: PoolConfig,
  use: (pool: pg.Pool) => Promise<void>,
): Promise<void> {
  const pool = new Pool(options);
  const lent = new Set<PoolClient>();
  pool.on('acquire', (client) => lent.add(client));
  pool.on('release', (_error, client) => lent.delete(client));
  // pg's own lets an idle connection that was ended at the server end the process.
  pool.on('error', () => {});
  try {
    await use(pool);
  } finally {
    for (const client of lent) {
      try {
        client.release(true);
      } catch {
        // The drop-in tells of the return of a client when it is ready to be lent.
      }
    }
    if (!pool.ending) await pool.end();
  }
}

/** Resolves with the arguments of the event. */
export function event(emitter: NodeJS.EventEmitter, name: string): Promise<unknown[]> {
  return new Promise((resolve) => emitter.once(name, (...args: unknown[]) => resolve(args)));
}

/** Something that takes connections and never says a word. */
export async function silentServer(): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
