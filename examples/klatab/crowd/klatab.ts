/** KlaTab on a cluster of its own, with a school year around a fixed day. */
import { setTimeout } from 'node:timers/promises';
import { schemaGrantSql, schemaSql } from '@schooldb/client';
import type { SchoolDb } from '@schooldb/client';
import { CLUSTER_DEFAULTS, startCluster } from '@schooldb/local-cluster';
import type { Cluster, ClusterOptions } from '@schooldb/local-cluster';
import type { AppOptions } from '../src/app.ts';
import { migrate } from '../src/database/migrate.ts';
import type { KlaTab as Schema } from '../src/database/schema.ts';
import { seed } from '../src/seed/seed.ts';
import { addressOf, connect, listen } from './serve.ts';
import type { KlaTabApp } from './serve.ts';

export const PASSWORD = 'ein Passwort für Tests';

/** For whatever needs servers, on a machine that has other things to do as well. */
export const PATIENCE_MS = 180_000;

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
    const { cluster, db } = await startSchool(clusterOptions);
    try {
      return new KlaTab(cluster, db, await listen(db, appOptions));
    } catch (error) {
      await db.close();
      await cluster.stop();
      throw error;
    }
  }

  get address(): string {
    return addressOf(this.app);
  }

  /** Another process, as far as the database and browsers can tell. */
  async another(): Promise<{
    db: SchoolDb<Schema>;
    app: KlaTabApp;
    address: string;
    close: () => Promise<void>;
  }> {
    const db = connect(this.cluster);
    const app = await listen(db);
    const close = async () => {
      await app.close();
      await db.close();
    };
    return { db, app, address: addressOf(app), close };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    await this.db.close();
    await this.cluster.stop();
  }
}

/** A cluster with a school in it, and no app. The caller closes `db` and stops the cluster. */
export async function startSchool(
  options: ClusterOptions = {},
): Promise<{ cluster: Cluster; db: SchoolDb<Schema> }> {
  const cluster = await startCluster({
    initSql: schemaSql() + schemaGrantSql(CLUSTER_DEFAULTS.user),
    poolers: false,
    ...options,
  });
  const db = connect(cluster);
  try {
    await migrate(db);
    await seed(db, { year: 2026, password: PASSWORD });
    return { cluster, db };
  } catch (error) {
    await db.close();
    await cluster.stop();
    throw error;
  }
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
