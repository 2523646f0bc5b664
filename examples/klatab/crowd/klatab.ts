/** KlaTab on a cluster of its own, with a school year around a fixed day. */
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { createSchoolDb, schemaGrantSql, schemaSql } from '@schooldb/client';
import type { SchoolDb } from '@schooldb/client';
import { CLUSTER_DEFAULTS, startCluster } from '@schooldb/local-cluster';
import type { Cluster, ClusterOptions } from '@schooldb/local-cluster';
import { buildApp } from '../src/app.ts';
import type { AppOptions } from '../src/app.ts';
import { migrate } from '../src/database/migrate.ts';
import type { KlaTab as Schema } from '../src/database/schema.ts';
import { seed } from '../src/seed/seed.ts';

export const PASSWORD = 'ein Passwort für Tests';
/** A Wednesday in the school year that is seeded. */
export const TODAY = '2026-11-25';

/** For whatever needs servers, on a machine that has other things to do as well. */
export const PATIENCE_MS = 180_000;

export type KlaTabApp = Awaited<ReturnType<typeof buildApp>>;

export class KlaTab implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly db: SchoolDb<Schema>;
  readonly app: KlaTabApp;

  private constructor(cluster: Cluster, db: SchoolDb<Schema>, app: KlaTabApp) {
    this.cluster = cluster;
    this.db = db;
    this.app = app;
  }

  static async start(
    clusterOptions: ClusterOptions = {},
    appOptions: Partial<AppOptions> = {},
  ): Promise<KlaTab> {
    const cluster = await startCluster({
      initSql: schemaSql() + schemaGrantSql(CLUSTER_DEFAULTS.user),
      poolers: false,
      ...clusterOptions,
    });
    try {
      const db = connect(cluster);
      await migrate(db);
      await seed(db, { year: 2026, password: PASSWORD });
      return new KlaTab(cluster, db, await listen(db, appOptions));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get address(): string {
    return `http://127.0.0.1:${(this.app.server.address() as AddressInfo).port}`;
  }

  /** Another process, as far as the database and browsers can tell. */
  async another(): Promise<{
    db: SchoolDb<Schema>;
    app: KlaTabApp;
    address: string;
    close: () => Promise<void>;
  }> {
    const db = connect(this.cluster);
    const app = await listen(db, {});
    const close = async () => {
      await app.close();
      await db.close();
    };
    return { db, app, address: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, close };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    await this.db.close();
    await this.cluster.stop();
  }
}

function connect({ endpoints, database, user, password, ca }: Cluster): SchoolDb<Schema> {
  const { master, replica } = endpoints;
  return createSchoolDb<Schema>({
    endpoints: { master, ...(replica !== undefined && { replica }) },
    database,
    user,
    password,
    tls: { ca },
    readOnlyWhenNoPrimary: true,
  });
}

async function listen(db: SchoolDb<Schema>, options: Partial<AppOptions>): Promise<KlaTabApp> {
  const app = await buildApp({
    db,
    secret: 'only for tests, and long enough for cookies',
    secureCookies: false,
    now: () => new Date(`${TODAY}T08:00:00Z`),
    ...options,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return app;
}

/** Faults after which another server is primary; and the aftermath of one, in which an address leads to two. */
export type Breakage = 'kill-primary' | 'freeze-primary' | 'switchover' | 'two-masters';

/**
 * Breaks something, sees to it that it has its effect, mends it, and waits until every server runs and follows again.
 *
 * @param meanwhile - what has to happen before it is mended.
 */
export async function breakAndMend(
  cluster: Cluster,
  name: Breakage,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<void> {
  const { timeline } = await cluster.status();
  const { id } = await cluster.fault(name);
  await meanwhile();
  // What was frozen and is let go before somebody else is primary just goes on.
  if (name !== 'two-masters') {
    await until(`a promotion after ${name}`, async () => {
      const now = await cluster.status();
      return now.timeline !== null && now.timeline > (timeline ?? 0);
    });
  }
  await cluster.undoFault(id);
  await until('every server to follow', async () => {
    const now = await cluster.status();
    const standbys = now.servers.filter((server) => server.name !== now.primary);
    const follow = standbys.every((server) => server.role === 'standby' && server.timeline === now.timeline);
    return now.primary !== null && now.faults.length === 0 && follow;
  });
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await setTimeout(200);
  }
}
