import { Pool } from 'pg';
import type { PoolClient } from 'pg';
import type { Answer, Driver, Session, Statement } from './driver.ts';
import { failureOf } from './pg-failure.ts';
import { pgSsl } from './target.ts';
import type { Target } from './target.ts';

const CONNECTION_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 10_000;

/**
 * Plain pg as a careful developer would use it: a bounded pool, a listener for 'error', limits on connecting and on
 * each query, keep-alive, and a second try for a read that failed. A write is never repeated.
 */
export class PgDriver implements Driver, Session {
  readonly #pool: Pool;

  constructor(target: Target, applicationName: string, maxConnections: number) {
    this.#pool = new Pool({
      ...(target.masterPooler ?? target.master),
      database: target.database,
      user: target.user,
      password: target.password,
      ssl: pgSsl(target.tls),
      application_name: applicationName,
      max: maxConnections,
      connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    });
    // Without a listener the loss of an idle connection would end the process; the pool has already dropped it.
    this.#pool.on('error', () => {});
    // While it is lent out the pool does not listen, and a connection tells its loss twice: to the query and as an event.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  session(): Session {
    return this;
  }

  async read(statement: Statement): Promise<Answer> {
    const first = await this.#attempt(statement);
    return first.outcome === 'ok' ? first : this.#attempt(statement);
  }

  write(statement: Statement): Promise<Answer> {
    return this.#attempt(statement);
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  /** The same as `pool.query`, in two steps, to know whether the statement had been sent when it failed. */
  async #attempt(statement: Statement): Promise<Answer> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      return failureOf(error, 'connecting');
    }
    try {
      const { rows } = await client.query<Record<string, unknown>>(statement.text, [...statement.values]);
      client.release();
      return { outcome: 'ok', rows };
    } catch (error) {
      client.release(error instanceof Error ? error : true);
      return failureOf(error, 'sent');
    }
  }
}
