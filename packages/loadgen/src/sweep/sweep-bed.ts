import { schemaGrantSql, schemaSql } from '@schooldb/client';
import { CLUSTER_DEFAULTS, startCluster } from '@schooldb/local-cluster';
import type { Cluster } from '@schooldb/local-cluster';
import { OBSERVER_NAME } from '../bed/bed.ts';
import { PlainConnection } from '../drivers/plain-connection.ts';
import type { EngineName } from '../options/engine.ts';
import type { Cleanup } from '../run/cleanup.ts';
import { SWEEP_TABLES } from './operations.ts';
import type { ClusterShape } from './situations.ts';

/** The cluster that is swept, and a view past its addresses of what its primary holds. */
export class SweepBed {
  readonly cluster: Cluster;
  #reader: { server: string; connection: PlainConnection } | undefined;

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  static async start(
    engine: EngineName,
    { replicas, synchronous, promoteAfterMs }: ClusterShape,
    poolers: boolean,
    { signal, cleanup }: { signal: AbortSignal; cleanup: Cleanup },
  ): Promise<SweepBed> {
    const { user } = CLUSTER_DEFAULTS;
    const grants = ['sweep_effect', 'sweep_parent', 'sweep_child'].map(
      (table) => `GRANT ALL ON ${table} TO "${user}";`,
    );
    const cluster = await startCluster({
      engine,
      replicas,
      synchronous,
      ...(engine === 'embedded' && { promoteAfterMs }),
      poolers,
      // Connections that are open already are to be cut, and not only new ones.
      terminateTls: true,
      initSql: [schemaSql(), schemaGrantSql(user), SWEEP_TABLES, ...grants].join('\n'),
      signal,
    });
    const bed = new SweepBed(cluster);
    cleanup.defer(() => bed.stop());
    return bed;
  }

  /** Rows of each id, on the primary of the moment. */
  async rowsOf(ids: readonly number[]): Promise<Map<number, number>> {
    const text = 'SELECT id, count(*)::integer AS n FROM sweep_effect WHERE id = ANY($1) GROUP BY id';
    const rows = await this.#ask(text, [ids]);
    return new Map(rows.map(({ id, n }) => [Number(id), Number(n)]));
  }

  /** Backends of the app that are in a transaction: what an earlier attempt left may still commit. */
  async busy(): Promise<number> {
    const rows = await this.#ask(
      `SELECT count(*)::integer AS n FROM pg_stat_activity WHERE usename = $1 AND state <> 'idle'`,
      [this.cluster.user],
    );
    return Number(rows[0]?.['n']);
  }

  /** Backends of the app that wait for a lock, or for a standby. */
  async waiting(): Promise<number> {
    const rows = await this.#ask(
      `SELECT count(*)::integer AS n FROM pg_stat_activity
       WHERE usename = $1 AND wait_event_type IN ('Lock', 'IPC') AND state = 'active'`,
      [this.cluster.user],
    );
    return Number(rows[0]?.['n']);
  }

  async writeNoise(): Promise<void> {
    await this.#ask('INSERT INTO sweep_parent SELECT coalesce(max(id), 0) + 1 FROM sweep_parent', []);
  }

  async stop(): Promise<void> {
    this.#reader?.connection.destroy();
    await this.cluster.stop();
  }

  async #ask(text: string, values: readonly unknown[]): Promise<Record<string, unknown>[]> {
    return (await (await this.#reading()).query(text, values)).rows;
  }

  async #reading(): Promise<PlainConnection> {
    const { primary } = await this.cluster.status();
    const address = this.cluster.servers.find(({ name }) => name === primary);
    if (address === undefined) throw new Error('there is no primary to be read');
    const held = this.#reader;
    if (held !== undefined && held.server === address.name && !held.connection.lost) return held.connection;
    held?.connection.destroy();
    const connection = await PlainConnection.open({
      address,
      database: this.cluster.database,
      ...this.cluster.superuser,
      tls: { ca: this.cluster.ca, verify: true },
      applicationName: OBSERVER_NAME,
      connectTimeoutMs: 10_000,
      queryTimeoutMs: 30_000,
    });
    this.#reader = { server: address.name, connection };
    return connection;
  }
}
