/**
 * One `pool.query()`: a client is checked out, asked and given back, as pg-pool does it. Where its connection is lost:
 *
 *   not sent   the statement is sent on another connection
 *   a read     so is one that has no effect, by PostgreSQL's own parser
 *   else       the caller gets pg's error, with `outcome: 'unknown'`: it may have happened
 *
 * All of it within one deadline. The fast path is as lean as pg-pool's; the rest costs nothing until something failed.
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
  connect(done: (error: Error | undefined, client: PoolClient | undefined) => void): void;
  /** Checks a client out, for a call that began to wait at that time. */
  connectSince(
    askedAt: number,
    done: (error: Error | undefined, client: PoolClient | undefined) => void,
  ): void;
}

const BACKOFF = { baseMs: 25, capMs: 1_000 };

export interface PoolStatement {
  /** As pg takes it. */
  readonly text: string | { readonly text?: unknown };
  readonly values: unknown;
}

/** One for all pools: what a text does is the same everywhere. */
let parser: Promise<StatementParser> | undefined;

/** @returns a promise where there is no callback. */
export function poolQuery(
  pool: QueriedPool,
  statement: PoolStatement,
  callback: QueryCallback | undefined,
): Promise<unknown> | undefined {
  if (callback !== undefined) {
    ask(pool, statement, AsyncResource.bind(callback));
    return undefined;
  }
  return new pool.Promise((resolve, reject) => {
    ask(pool, statement, (error, result) => (error === undefined ? resolve(result) : reject(error)));
  }).catch((error: Error) => {
    // The trace that leads to whoever has called, not to the socket.
    Error.captureStackTrace(error);
    throw error;
  });
}

function ask(pool: QueriedPool, statement: PoolStatement, callback: QueryCallback): void {
  const askedAt = systemClock.now();
  pool.connect((error, client) => {
    if (client === undefined) return callback(error);
    send(client, statement, (failure, result, wasSent) => {
      if (failure !== undefined) {
        new Recovery(pool, statement, askedAt, callback).failed(client, failure, wasSent);
        return;
      }
      client.release();
      pool.master?.succeeded();
      callback(undefined, result);
    });
  });
}

/** @param done - is called once; `wasSent` is false where nothing can have been sent. */
function send(
  client: PoolClient,
  { text, values }: PoolStatement,
  done: (failure: Error | undefined, result: unknown, wasSent: boolean) => void,
): void {
  const sendable = isQueryable(client);
  let isAnswered = false;
  const answered = (failure: Error | null | undefined, result?: unknown) => {
    if (isAnswered) return;
    isAnswered = true;
    client.removeListener('error', answered);
    done(failure ?? undefined, result, sendable);
  };
  client.once('error', answered);
  try {
    (client.query as (...args: unknown[]) => void)(text, values, answered);
  } catch (error) {
    answered(error as Error);
  }
}

/** What becomes of a call after its first failure. */
class Recovery {
  readonly #pool: QueriedPool;
  readonly #statement: PoolStatement;
  readonly #askedAt: number;
  readonly #callback: QueryCallback;
  #attempts = 1;
  #deadline: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(pool: QueriedPool, statement: PoolStatement, askedAt: number, callback: QueryCallback) {
    this.#pool = pool;
    this.#statement = statement;
    this.#askedAt = askedAt;
    this.#callback = callback;
  }

  failed(client: PoolClient, error: Error, wasSent: boolean): void {
    const isOfServer = error instanceof pg.DatabaseError;
    const isLost = !isQueryable(client) || (isOfServer && endsSession(error));
    if (isLost) {
      client.release(error);
      this.#lost(error, wasSent);
    } else if (isOfServer && codeOf(error) === '25006' && client instanceof Client) {
      void this.#refused(client, error);
    } else {
      // Of ours are values that can't be sent and `query_timeout`: both leave half a statement behind.
      client.release(isOfServer ? undefined : error);
      this.#answer(error.message === 'Query read timeout' ? inDoubt(error) : error);
    }
  }

  #lost(error: Error, wasSent: boolean): void {
    const { master } = this.#pool;
    master?.lost(error);
    if (!wasSent) return this.#again(error);
    const judged = this.#isRead().catch(() => false);
    void judged.then((isRead) => {
      if (isRead) this.#again(error);
      else this.#answer(inDoubt(error));
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
    const { text: given } = this.#statement;
    const text = typeof given === 'string' ? given : given.text;
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

  #attempt(failure: Error): void {
    this.#attempts += 1;
    const pool = this.#pool;
    pool.connectSince(this.#askedAt, (_error, client) => {
      // Why no client could be had says less than what has become of the statement.
      if (client === undefined) return this.#answer(failure);
      if (this.#isOver) return client.release();
      send(client, this.#statement, (again, result, wasSent) => {
        if (again !== undefined) return this.failed(client, again, wasSent);
        client.release();
        pool.master?.succeeded();
        this.#answer(undefined, result);
      });
    });
  }

  #answer(error: Error | undefined, result?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#callback(error, result);
  }
}

/** pg's own error, and what the server may have done. */
function inDoubt(error: Error): Error {
  return Object.assign(error, { outcome: 'unknown' as const });
}

/** The session is over with it, though the socket may close a little later. */
function endsSession({ severity, code }: pg.DatabaseError): boolean {
  return severity === 'FATAL' || severity === 'PANIC' || code?.startsWith('57P') === true;
}
