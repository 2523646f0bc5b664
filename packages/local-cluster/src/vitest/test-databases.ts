import type { Cluster } from '../cluster.ts';
import type { EndpointKind } from '../endpoint.ts';
import { quoteIdentifier, withSession, type Session } from '../engine/sql.ts';
import { ClusterError } from '../errors.ts';
import { waitFor } from '../process/wait.ts';

/** A failover with its promotion and the copy of a server, on a busy machine. */
const READY_WITHIN_MS = 60_000;
/** What was told to close needs a moment until its backend has gone. */
const CLOSED_WITHIN_MS = 2_000;
/** Copying a template waits for a checkpoint, and for a standby where the cluster is synchronous. */
const STATEMENT_MS = 30_000;

/** Databases of one test each, copies of the cluster's own, which is prepared once. */
export class TestDatabases {
  readonly #cluster: Cluster;
  #count = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Prepares what is copied: SQL as the ordinary role, or whatever migrates a database. */
  async migrate(migrate: string | ((connectionString: string) => unknown)): Promise<void> {
    const { user, password, database } = this.#cluster;
    if (typeof migrate === 'function') await migrate(this.#cluster.connectionString());
    else await this.#session((session) => session.query(migrate), { user, password, database });
    const open = await this.#closed(database);
    if (open.length > 0) {
      throw new ClusterError(
        'bad-option',
        `option migrate: it left connections to the template open (${open.join(', ')}): close them before it returns`,
      );
    }
  }

  /** Waits until the cluster is as it was at its start, and makes a copy. Resolves with its name. */
  async create(): Promise<string> {
    await this.#healthy();
    const name = `test_${(this.#count += 1)}`;
    const { database, user } = this.#cluster;
    await this.#session((session) =>
      session.query(
        `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE ${quoteIdentifier(database)} OWNER ${quoteIdentifier(user)}`,
      ),
    );
    // On every server: the next primary must have it, and whoever reads from a standby finds it.
    const known = await waitFor(() => this.#isEverywhere(name), { timeoutMs: STATEMENT_MS });
    if (known !== true)
      throw new ClusterError('start-failed', `${name} is not on every server after ${STATEMENT_MS} ms`);
    return name;
  }

  /** Resolves with the connections that were left open, in words. */
  async drop(name: string): Promise<string[]> {
    await this.#healthy();
    const open = await this.#closed(name);
    await this.#session((session) =>
      session.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`),
    );
    return open;
  }

  connectionString(database: string, kind?: EndpointKind): string {
    const url = new URL(this.#cluster.connectionString(kind));
    url.pathname = `/${encodeURIComponent(database)}`;
    return url.href;
  }

  async #isEverywhere(database: string): Promise<boolean> {
    const found = await Promise.all(
      this.#cluster.servers.map(({ host, port }) =>
        this.#session((session) => session.query('SELECT FROM pg_database WHERE datname = $1', [database]), {
          host,
          port,
        }),
      ),
    );
    return found.every((rows) => rows.length === 1);
  }

  /** A test may end in the middle of a failover. */
  async #healthy(): Promise<void> {
    let last = '';
    const healthy = await waitFor(
      async () => {
        const { servers, primary, blocked } = await this.#cluster.status();
        last = blocked ?? servers.map(({ name, state, role }) => `${name} ${state} ${role}`).join(', ');
        const standbys = servers.filter(({ state, role }) => state === 'running' && role === 'standby');
        return primary !== null && standbys.length === servers.length - 1;
      },
      { timeoutMs: READY_WITHIN_MS, everyMs: 50 },
    );
    if (healthy === undefined)
      throw new ClusterError(
        'start-failed',
        `the cluster is not healthy after ${READY_WITHIN_MS} ms: ${last}`,
      );
  }

  /** Those that are still open after a moment. PgBouncer keeps its own, which are counted at its address. */
  async #closed(database: string): Promise<string[]> {
    let open: string[] = [];
    await waitFor(
      async () => {
        open = [...(await this.#connectionsTo(database)), ...(await this.#pooled())];
        return open.length === 0;
      },
      { timeoutMs: CLOSED_WITHIN_MS, everyMs: 25 },
    );
    return open;
  }

  async #connectionsTo(database: string): Promise<string[]> {
    if (this.#cluster.endpoints.masterPooler !== undefined) return [];
    const perServer = await Promise.all(
      this.#cluster.servers.map(async ({ name, host, port }) => {
        const rows = await this.#session(
          (session) =>
            session.query<{ what: string }>(
              `SELECT coalesce(nullif(application_name, ''), 'pid ' || pid) || ' ' || coalesce(state, '') AS what
                 FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'`,
              [database],
            ),
          { host, port },
        );
        return rows.map(({ what }) => `${what} on ${name}`);
      }),
    );
    return perServer.flat();
  }

  async #pooled(): Promise<string[]> {
    const { virtualIps } = await this.#cluster.status();
    return virtualIps
      .filter(({ kind, connections }) => kind.endsWith('Pooler') && connections > 0)
      .map(({ kind, connections }) => `${connections} to ${kind}`);
  }

  /** As superuser on the primary, where nothing else is said. */
  async #session<T>(
    use: (session: Session) => Promise<T>,
    login: { host?: string; port?: number; user?: string; password?: string; database?: string } = {},
  ): Promise<T> {
    const { superuser, ca, endpoints } = this.#cluster;
    const { database, ...who } = login;
    const options = { timeoutMs: STATEMENT_MS, ...(database === undefined ? {} : { database }) };
    return withSession({ ...superuser, ...endpoints.master, ca, ...who }, use, options);
  }
}

/** For a hook's error. */
export function leftOpen(open: readonly string[], database: string): string {
  return `the test left ${open.length} connection${open.length > 1 ? 's' : ''} to ${database} open (${open.join(', ')}): close pools and clients at its end`;
}
