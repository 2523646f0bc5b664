/**
 * One `pool.query()`: a client is checked out, asked and given back, as pg-pool does it. Where its connection is lost:
 *
 *   not sent   the statement is sent on another connection
 *   a read     so is one that has no effect, by PostgreSQL's own parser
 *   else       the caller gets pg's error, with `outcome: 'unknown'`: it may have happened
 *
 * All of it within one deadline. The fast path is pg-pool's; the rest costs nothing until something was lost.
 */
import { AsyncResource } from 'node:async_hooks';
import pg from 'pg';
import type { PoolClient } from 'pg';
import { askRole } from '../../endpoint/ask-role.ts';
import { UnsuitableServerError } from '../../errors/connection-errors.ts';
import { backoffMs } from '../../policy/backoff.ts';
import { codeOf } from '../../policy/classify.ts';
import type { StatementParser } from '../../router/statement.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { Client } from './client.ts';
import type { Master } from './master.ts';
import { isQueryable } from './return.ts';

export type QueryCallback = (error: Error | undefined, result?: unknown) => void;

/** The pool, as far as its queries know it. */
export interface QueriedPool {
  readonly Promise: PromiseConstructor;
  readonly ending: boolean;
  /** How long a call may take in all, where connections are lost. In milliseconds. */
  readonly patienceMs: number;
  /** Undefined where clients of a foreign class connect. */
  readonly master: Master | undefined;
  /** Checks a client out, for a call that began to wait at that time. */
  connectSince(
    askedAt: number,
    done: (error: Error | undefined, client: PoolClient | undefined) => void,
  ): void;
}

const BACKOFF = { baseMs: 25, capMs: 1_000 };

/** One for all pools: what a text does is the same everywhere. */
let parser: Promise<StatementParser> | undefined;

export class PoolQuery {
  readonly #pool: QueriedPool;
  readonly #text: string | { readonly text?: unknown };
  readonly #values: unknown;
  readonly #askedAt = systemClock.now();
  #callback: QueryCallback = () => {};
  #attempts = 0;
  /** The deadline, armed with the first failure: until then pg-pool's own timeouts do. */
  #deadline: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(pool: QueriedPool, text: string | { readonly text?: unknown }, values: unknown) {
    this.#pool = pool;
    this.#text = text;
    this.#values = values;
  }

  /** @returns a promise where there is no callback. */
  run(callback: QueryCallback | undefined): Promise<unknown> | undefined {
    if (callback !== undefined) {
      this.#callback = AsyncResource.bind(callback);
      this.#attempt();
      return undefined;
    }
    return new this.#pool.Promise((resolve, reject) => {
      this.#callback = (error, result) => (error === undefined ? resolve(result) : reject(error));
      this.#attempt();
    }).catch((error: Error) => {
      // The trace that leads to whoever has called, not to the socket.
      Error.captureStackTrace(error);
      throw error;
    });
  }

  #attempt(failure?: Error): void {
    this.#attempts += 1;
    this.#pool.connectSince(this.#askedAt, (error, client) => {
      if (client === undefined) this.#answer(failure ?? error);
      else if (this.#isOver) client.release();
      else this.#ask(client);
    });
  }

  #ask(client: PoolClient): void {
    let isAnswered = false;
    const sendable = isQueryable(client);
    const answered = (error: Error | null | undefined, result?: unknown) => {
      if (isAnswered) return;
      isAnswered = true;
      client.removeListener('error', answered);
      if (error == null) {
        client.release();
        this.#pool.master?.succeeded();
        this.#answer(undefined, result);
      } else {
        this.#failed(client, error, sendable);
      }
    };
    client.once('error', answered);
    try {
      (client.query as (...args: unknown[]) => void)(this.#text, this.#values, answered);
    } catch (error) {
      answered(error as Error);
    }
  }

  #failed(client: PoolClient, error: Error, wasSendable: boolean): void {
    const isOfServer = error instanceof pg.DatabaseError;
    const isLost = !isQueryable(client) || (isOfServer && endsSession(error));
    if (isLost) {
      client.release(error);
      this.#lost(error, wasSendable);
    } else if (isOfServer && codeOf(error) === '25006' && client instanceof Client) {
      void this.#refused(client, error);
    } else {
      // Of ours are values that can't be sent and `query_timeout`: both leave half a statement behind.
      client.release(isOfServer ? undefined : error);
      this.#answer(error);
    }
  }

  #lost(error: Error, wasSent: boolean): void {
    const { master } = this.#pool;
    master?.lost(error);
    if (!wasSent) return this.#again(error);
    void this.#isRead().then((isRead) => {
      if (isRead) this.#again(error);
      else this.#answer(Object.assign(error, { outcome: 'unknown' }));
    });
  }

  /** A read-only transaction says the same on the primary, and then it is the app's own. */
  async #refused(client: PoolClient & Client, error: Error): Promise<void> {
    const { lease } = client;
    const role = lease === undefined ? 'primary' : await askRole(lease.connection.wire, systemClock);
    if (role === 'primary') {
      client.release();
      this.#answer(error);
      return;
    }
    lease?.condemn(new UnsuitableServerError('the server behind the master address has become a standby'));
    client.release(error);
    this.#again(error);
  }

  async #isRead(): Promise<boolean> {
    const text = typeof this.#text === 'string' ? this.#text : this.#text.text;
    if (typeof text !== 'string') return false;
    parser ??= import('../../router/statement.ts').then((it) => new it.StatementParser());
    return (await (await parser).traits(text)).readOnly;
  }

  /** Nothing has happened, or nothing that matters. */
  #again(failure: Error): void {
    const pool = this.#pool;
    if (pool.ending || this.#isOver) return this.#answer(failure);
    const leftMs = this.#askedAt + pool.patienceMs - systemClock.now();
    this.#deadline ??= setTimeout(() => this.#answer(failure), Math.max(0, leftMs));
    const attempt = this.#attempts;
    const wait = attempt > 1 ? backoffMs(attempt - 1, BACKOFF, systemRandom) : 0;
    const spend = () => {
      if (this.#isOver) return;
      const waitMs = pool.master?.budget.spend(attempt + 1, systemClock.now()) ?? 0;
      if (waitMs > 0) setTimeout(spend, waitMs);
      else this.#attempt(failure);
    };
    if (wait === 0) spend();
    else setTimeout(spend, wait);
  }

  #answer(error: Error | undefined, result?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#callback(error, result);
  }
}

/** The session is over with it, though the socket may close a little later. */
function endsSession({ severity, code }: pg.DatabaseError): boolean {
  return severity === 'FATAL' || severity === 'PANIC' || code?.startsWith('57P') === true;
}
