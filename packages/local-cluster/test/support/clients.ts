import pg from 'pg';
import type { Cluster, EndpointKind } from '../../src/index.ts';
import { waitFor } from '../../src/process/wait.ts';

export type Client = pg.Client & {
  lost: Promise<void>;
  /** Of its backend; pg has them and does not declare them. */
  processID: number;
  secretKey: number;
};

/** A plain node-postgres client, as an app would use it; `lost` resolves when its connection is gone. */
export async function connectClient(
  cluster: Cluster,
  kind: EndpointKind = 'master',
  more: pg.ClientConfig = {},
): Promise<Client> {
  const address = cluster.endpoints[kind];
  if (address === undefined) throw new Error(`no ${kind}`);
  const client = new pg.Client({
    ...address,
    user: cluster.user,
    password: cluster.password,
    database: cluster.database,
    ssl: { ca: cluster.ca },
    ...more,
  });
  const lost = new Promise<void>((resolve) => {
    client.once('error', () => resolve());
    client.once('end', () => resolve());
  });
  client.on('error', () => undefined);
  await client.connect();
  return Object.assign(client, { lost }) as Client;
}

/** One statement on a connection of its own. */
export async function queryOnce<Row extends pg.QueryResultRow>(
  cluster: Cluster,
  sql: string,
  kind: EndpointKind = 'master',
  more: pg.ClientConfig = {},
): Promise<Row[]> {
  const client = await connectClient(cluster, kind, {
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
    ...more,
  });
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Waits for something to become true; what it throws on the way counts as not yet. */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 60_000,
): Promise<T> {
  let last: unknown;
  const found = await waitFor(
    async () => {
      try {
        return await look();
      } catch (error) {
        last = error;
        return undefined;
      }
    },
    { timeoutMs, everyMs: 25 },
  );
  if (found === undefined) throw new Error(`not within ${timeoutMs} ms`, { cause: last });
  return found;
}

/** The code of what a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
  return undefined;
}
