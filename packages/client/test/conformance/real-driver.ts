/** Real servers of a local cluster as a world for scenarios. */
import type { Cluster } from '@schooldb/local-cluster';
import { schemaGrantSql, schemaSql } from '../../src/index.ts';
import { openPgWire } from '../../src/wire/pg-wire.ts';
import type { Wire } from '../../src/wire/wire.ts';
import { startTestCluster, until } from '../support/with-cluster.ts';
import type { World } from './scenario.ts';
import { Session } from './scenario.ts';

const USER = 'app';

/** The app's side of the simulation's texts. */
const APP_SCHEMA = `
CREATE TABLE ledger (key text NOT NULL);
CREATE TABLE counter (id text PRIMARY KEY, n integer NOT NULL DEFAULT 0);
INSERT INTO counter (id) VALUES ('a'), ('b');
CREATE FUNCTION sim_raise(p_code text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'raised %', p_code USING ERRCODE = p_code; END $$;
GRANT ALL ON ledger, counter TO ${USER};`;

const SETTINGS = {
  // What is not waited for stays in memory until somebody else's commit takes it along.
  wal_writer_delay: '10s',
  autovacuum: 'off',
};

export class RealWorld implements World {
  readonly #cluster: Cluster;
  #primary = 'pg1';

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  static async start({ synchronous }: { readonly synchronous: boolean }): Promise<RealWorld> {
    const initSql = `${schemaSql()}\n${schemaGrantSql(USER)}\n${APP_SCHEMA}`;
    const cluster = await startTestCluster({
      replicas: 1,
      synchronous,
      promoteAfterMs: 3_000,
      initSql,
      settings: SETTINGS,
    });
    const world = new RealWorld(cluster);
    world.#primary = (await cluster.status()).primary!;
    return world;
  }

  stop(): Promise<void> {
    return this.#cluster.stop();
  }

  get primary(): string {
    return this.#primary;
  }

  get standby(): string {
    return this.#cluster.servers.find(({ name }) => name !== this.#primary)!.name;
  }

  async open(server: string): Promise<Session> {
    const { user, password } = this.#cluster;
    const wire = await this.#connect(server, { user, password });
    // Says nothing and changes nothing; answered with the state of the transaction.
    return new Session(server, wire, async () => void (await wire.script('').catch(() => {})));
  }

  untilWaiting({ server, wire }: Session, what: 'row' | 'lock' | 'standby'): Promise<void> {
    const column = what === 'standby' ? `wait_event = 'SyncRep'` : `wait_event_type = 'Lock'`;
    const text = `SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND ${column}`;
    return this.until(
      `waits for the ${what}`,
      async () => (await this.#ask(server, text, wire.processId)).length > 0,
    );
  }

  untilEnded({ server, wire }: Session): Promise<void> {
    const text = 'SELECT 1 FROM pg_stat_activity WHERE pid = $1';
    return this.until(
      'the session is over',
      async () => (await this.#ask(server, text, wire.processId)).length === 0,
    );
  }

  async untilWhole(): Promise<void> {
    await this.until('the standby has everything', async () => {
      const { servers, primary } = await this.#cluster.status();
      if (primary !== this.#primary || servers.some(({ role }) => role === 'unknown')) return false;
      const rows = await this.#ask(
        primary,
        `SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn >= pg_current_wal_flush_lsn()
          AND (sync_state IN ('sync', 'quorum') OR current_setting('synchronous_standby_names') = '')`,
      );
      return rows.length > 0;
    });
  }

  now(): number {
    return performance.now();
  }

  until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    return until(`the real cluster: ${what}`, holds);
  }

  async terminate({ server, wire }: Session): Promise<void> {
    await this.#ask(server, 'SELECT pg_terminate_backend($1)', wire.processId);
  }

  async freeze({ wire }: Session): Promise<void> {
    process.kill(wire.processId, 'SIGSTOP');
  }

  async thaw({ wire }: Session): Promise<void> {
    process.kill(wire.processId, 'SIGCONT');
  }

  async cancel({ server, wire }: Session): Promise<void> {
    await this.#ask(server, 'SELECT pg_cancel_backend($1)', wire.processId);
  }

  async cutReplication(): Promise<void> {
    // Port 1 refuses at once on loopback.
    await this.#ask(this.standby, `ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'`);
    await this.#ask(this.standby, 'SELECT pg_reload_conf()');
    await this.until('nothing is sent', async () => (await this.#streams()) === 0);
  }

  async restoreReplication(): Promise<void> {
    await this.#ask(this.standby, 'ALTER SYSTEM RESET primary_conninfo');
    await this.#ask(this.standby, 'SELECT pg_reload_conf()');
  }

  async crash(): Promise<void> {
    await this.#kill(await this.open(this.#primary), await this.open(this.#primary));
  }

  async crashBeforeFlush(session: Session): Promise<void> {
    const victim = await this.open(this.#primary);
    await session.send('SET LOCAL synchronous_commit = off');
    await session.send('COMMIT');
    await this.#kill(victim, session);
  }

  async restart(): Promise<void> {
    await this.#cluster.fault('restart');
  }

  async failOver(): Promise<void> {
    const next = this.standby;
    await this.#cluster.fault('kill-primary');
    // Before it is promoted: the old one is cloned from it, files and all.
    await this.#ask(next, 'ALTER SYSTEM RESET primary_conninfo');
    await this.until('another one is primary', async () => (await this.#cluster.status()).primary === next);
    this.#primary = next;
  }

  async position(server: string): Promise<bigint> {
    const [row] = await this.#ask(
      server,
      `SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_flush_lsn() END
        - '0/0'::pg_lsn)::text AS position`,
    );
    return BigInt(row!['position'] as string);
  }

  /** @param witness - ends when the postmaster has noticed: from then on it lets nobody in until it has recovered. */
  async #kill(victim: Session, witness: Session): Promise<void> {
    process.kill(victim.wire.processId, 'SIGKILL');
    await this.until('the crash is noticed', () => witness.lost !== undefined);
    await this.#serves(victim.server);
  }

  async #streams(): Promise<number> {
    return (await this.#ask(this.#primary, `SELECT 1 FROM pg_stat_replication`)).length;
  }

  #serves(server: string): Promise<void> {
    return this.until('the server serves', () =>
      this.#ask(server, 'SELECT 1').then(
        () => true,
        () => false,
      ),
    );
  }

  /** As superuser, on a connection of its own. */
  async #ask(
    server: string,
    text: string,
    ...values: readonly unknown[]
  ): Promise<Record<string, unknown>[]> {
    const wire = await this.#connect(server, this.#cluster.superuser);
    try {
      return (await wire.query({ text, values })).rows as Record<string, unknown>[];
    } finally {
      await wire.end();
    }
  }

  #connect(server: string, login: { readonly user: string; readonly password: string }): Promise<Wire> {
    const { servers, database, ca } = this.#cluster;
    const { host, port } = servers.find(({ name }) => name === server)!;
    return openPgWire({ ...login, host, port, database, tls: { ca }, applicationName: 'conformance' }).ready;
  }
}
