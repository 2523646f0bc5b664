/**
 * What a scenario is written against: two servers, one of them the primary, and sessions on them. It is the same for
 * the simulated servers and for real ones; what a scenario has observed is compared.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { QueryResult } from 'pg';
import type { Statement, Wire } from '../../src/wire/wire.ts';
import { WireLostError } from '../../src/wire/wire.ts';

/** What something was answered with, as far as it can be the same on every cluster. */
export interface Answer {
  /** The commands with their row counts; or the SQLSTATE; or how the connection was lost. */
  readonly said: string;
  readonly rows: readonly Record<string, unknown>[];
}

/** A scenario, and the cluster it needs. Its observations are plain values. */
export type Scenario = (world: World) => Promise<unknown>;

export interface World {
  /** Names of the servers as they have their roles now. */
  readonly primary: string;
  readonly standby: string;
  /** Opens a session of the app on this server, whatever its role. */
  open(server: string): Promise<Session>;
  /** Resolves when the session's statement waits for what it says. */
  untilWaiting(session: Session, what: 'row' | 'lock' | 'standby'): Promise<void>;
  /** Resolves when the session's server has done with it. */
  untilEnded(session: Session): Promise<void>;
  /** Resolves when both serve in their roles, and what the primary has written is replayed by the standby. */
  untilWhole(): Promise<void>;
  /** Milliseconds, as they pass there. */
  now(): number;
  /** Resolves when the condition holds. It is looked at again and again. */
  until(what: string, holds: () => boolean | Promise<boolean>): Promise<void>;
  /** Ends a session as an operator does (pg_terminate_backend). */
  terminate(session: Session): Promise<void>;
  /** Its server does nothing for the session any more, until it is thawed. */
  freeze(session: Session): Promise<void>;
  thaw(session: Session): Promise<void>;
  /** Cancels what a session waits for (pg_cancel_backend). */
  cancel(session: Session): Promise<void>;
  /** From now on the standby receives nothing. */
  cutReplication(): Promise<void>;
  restoreReplication(): Promise<void>;
  /** A backend dies by SIGKILL; resolves when the primary has recovered in place. */
  crash(): Promise<void>;
  /** The open transaction is committed, and the server crashes before it is flushed. Whether it is answered is open. */
  crashBeforeFlush(session: Session): Promise<void>;
  /** Shuts the primary down in an orderly way and starts it in place. */
  restart(): Promise<void>;
  /** SIGKILL to the primary; resolves when the other one has its role. The old one comes back by and by. */
  failOver(): Promise<void>;
  /** How far the server's log goes: flushed as a primary, received as a standby. */
  position(server: string): Promise<bigint>;
}

/** One connection, through the wire that the client uses. */
export class Session {
  readonly server: string;
  readonly wire: Wire;
  /** What the server reported by itself about being a standby, oldest first. */
  readonly standbyReports: string[] = [];
  /** What notifications said, oldest first. */
  readonly heard: string[] = [];
  readonly #settle: (wire: Wire) => Promise<void>;
  #notices: string[] = [];

  /** @param settle - resolves when the server has said, after an error, what became of the transaction. */
  constructor(server: string, wire: Wire, settle: (wire: Wire) => Promise<void>) {
    this.server = server;
    this.wire = wire;
    this.#settle = settle;
    wire.onNotice(({ severity, code, routine }) => this.#notices.push(`${severity} ${code} ${routine}`));
    wire.onNotification(({ payload }) => this.heard.push(payload));
    wire.onParameter((name, value) => {
      if (name === 'in_hot_standby') this.standbyReports.push(value);
    });
  }

  get status(): Wire['transactionStatus'] {
    return this.wire.transactionStatus;
  }

  /** Why the connection is gone: a SQLSTATE, or `closed`; undefined while it is open. */
  get lost(): string | undefined {
    const { lostBecause } = this.wire;
    return lostBecause === undefined ? undefined : (stateOf(lostBecause) ?? 'closed');
  }

  send(text: string, ...values: readonly unknown[]): Promise<Answer> {
    return this.#answer(this.wire.query({ text, values }).then((result) => [result]));
  }

  script(text: string): Promise<Answer> {
    return this.#answer(this.wire.script(text));
  }

  async flush(...statements: readonly Statement[]): Promise<Answer[]> {
    const answers = await this.wire.flush(statements);
    return Promise.all(
      answers.map((each) =>
        this.#answer(
          each.status === 'fulfilled' ? Promise.resolve([each.value]) : Promise.reject(each.reason as Error),
        ),
      ),
    );
  }

  /** What was said to each, and the transaction's state after the last: `BEGIN, 23505 (failed)`. */
  async tell(...texts: readonly (string | Statement)[]): Promise<string> {
    const said: string[] = [];
    for (const each of texts) {
      const { text, values = [] } = typeof each === 'string' ? { text: each } : each;
      said.push((await this.send(text, ...values)).said);
    }
    return `${said.join(', ')} (${this.status})`;
  }

  /** The notices since the last call. */
  takeNotices(): string[] {
    return this.#notices.splice(0);
  }

  async #answer(results: Promise<readonly QueryResult[]>): Promise<Answer> {
    try {
      const all = await results;
      return { said: all.map(tagOf).join(' '), rows: all.flatMap(({ rows }) => rows as Answer['rows']) };
    } catch (error) {
      if (error instanceof WireLostError)
        return { said: `${stateOf(error.cause) ?? 'closed'} ${error.sent ? '' : 'un'}sent`, rows: [] };
      await this.#settle(this.wire);
      // What the server says with its readiness is heard before anything is told of this.
      await turn();
      return { said: stateOf(error) ?? String(error), rows: [] };
    }
  }
}

function tagOf({ command, rowCount }: QueryResult): string {
  return command === 'INSERT' || command === 'UPDATE' ? `${command} ${rowCount}` : command;
}

function stateOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE' ? code : undefined;
}
