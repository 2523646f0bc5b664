/**
 * One connection in the hands of one caller, for as long as it likes. Nothing is repeated on it: what the session holds
 * (a transaction, a lock, temporary tables) is gone with the connection.
 *
 *   held     statements go to it in the order in which they were given
 *   lost     the connection broke, or was ended by us: `signal` is aborted, everything rejects
 *   over     given back: statements that come late are refused
 */
import type { QueryResult, QueryResultRow } from 'pg';
import type { SessionLease } from '../endpoint/lease.ts';
import type { Outcome } from '../errors/base.ts';
import { TransactionRolledBackError } from '../errors/commit-errors.ts';
import { ConnectionLostError, UnsuitableServerError } from '../errors/connection-errors.ts';
import { StatementRefusedError } from '../errors/option-errors.ts';
import { codeOf } from '../policy/classify.ts';
import { transactionControlIn } from '../policy/statement-text.ts';
import { Deadline } from '../runtime/deadline.ts';
import type { Statement, Wire } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import { unconfirmedCommit, withConfirmation } from './commit.ts';
import type { Execution } from './execution.ts';
import { verdictOn } from './failure.ts';
import { refuseCopyStream } from './refuse.ts';

/** What a text does, as far as a connection that is lent must know. */
export interface HeldTraits {
  readonly readOnly: boolean;
  readonly sessionState: boolean;
  readonly atomic: boolean;
  readonly statements: number;
}

/** What is asked about the texts that are sent. */
export type SessionTraits = (text: string) => Promise<HeldTraits>;

export interface HeldConnectionContext extends Pick<Execution, 'clock' | 'breakers'> {
  readonly traits: SessionTraits;
  /** A transaction that says nothing for longer is taken for forgotten, in milliseconds. */
  readonly patienceMs: number;
  /**
   * Something may have been committed. Told behind each answer once there was anything to commit, and in the end: which
   * of them commits is not always to be seen, and reads of others must not miss it from then on.
   */
  readonly onWrote: () => void;
}

export interface StatementLimits {
  readonly deadlineMs: number;
  readonly signals: readonly AbortSignal[];
}

/** What is known of a text before it is sent. */
export interface SentText {
  /** It has no effect. */
  readonly isRead: boolean;
  readonly changesSession: boolean;
}

const COMMITS: ReadonlySet<string> = new Set(['COMMIT', 'END']);

export class HeldConnection {
  readonly #lease: SessionLease;
  readonly #context: HeldConnectionContext;
  readonly #lost = new AbortController();
  /** Statements of which it is being found out what they do go in their order. */
  #order: Promise<unknown> = Promise.resolve();
  #usedAt: number;
  /** Texts that may have changed the state of the session. */
  #sessionChanges = 0;
  #wrote = false;
  #over = false;
  #endedByUs = false;

  constructor(lease: SessionLease, context: HeldConnectionContext) {
    this.#lease = lease;
    this.#context = context;
    this.#usedAt = context.clock.now();
    lease.connection.wire.onGone(() => {
      if (!this.#over) this.#lost.abort(this.#lostError(this.outcome));
    });
  }

  get endpoint(): SessionLease['endpoint'] {
    return this.#lease.endpoint;
  }

  /** For what keeps the connection for itself: cursors, COPY, notifications. */
  get wire(): Wire {
    return this.#lease.connection.wire;
  }

  get hasCommitSlots(): boolean {
    return this.#lease.connection.hasCommitSlots;
  }

  /** Aborted at once when the connection is lost, with a {@link ConnectionLostError}. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** What may have happened on it by now. */
  get outcome(): Outcome {
    return this.#wrote ? 'unknown' : 'not-executed';
  }

  /** See {@link SessionLease.onRetired}. */
  onRetired(listener: (reason: Error) => void): void {
    this.#lease.onRetired(listener);
  }

  /** Asks for a sign of life after each time of silence. @returns a function that ends it. */
  keepBeating(intervalMs: number): () => void {
    // In a transaction that the app has forgotten the server must be able to see that: it ends such a session.
    const isForgotten = () => this.#context.clock.now() - this.#usedAt > this.#context.patienceMs;
    return this.#lease.keepBeating(
      intervalMs,
      () => this.wire.transactionStatus === 'idle' || !isForgotten(),
    );
  }

  /** @param known - what the text does, where that is known already. */
  async query<Row extends QueryResultRow>(
    statement: Statement,
    limits: StatementLimits,
    known?: HeldTraits,
  ): Promise<QueryResult<Row>> {
    return this.#send(statement.text, limits, known, (wire) => wire.query(statement));
  }

  /** Runs a text that holds several statements; all of it or nothing, unless it keeps transactions of its own. */
  async script(text: string, limits: StatementLimits, known?: HeldTraits): Promise<void> {
    await this.#send(text, limits, known, async (wire) => {
      const results = await wire.script(text);
      return results.at(-1) ?? { command: '' };
    });
  }

  async #send<Answer extends { readonly command: string }>(
    text: string,
    { deadlineMs, signals }: StatementLimits,
    known: HeldTraits | undefined,
    send: (wire: Wire) => Promise<Answer>,
  ): Promise<Answer> {
    this.#throwIfOver();
    refuseCopyStream(text);
    const { isRead, changesSession } = await this.learn(text, known);
    this.#throwIfOver();
    const { wire } = this;
    if (wire.lostBecause !== undefined) throw this.#lostError('not-executed');
    const deadline = new Deadline(this.#context.clock, deadlineMs, signals);
    // Closing the socket is the only way to take a statement back from a server that may not be listening.
    const stopWaiting = deadline.onOver(() => this.end(new Error('the caller stopped waiting')));
    const control = transactionControlIn(text);
    const commits = control !== undefined && COMMITS.has(control);
    const phase = commits ? 'committing' : wire.transactionStatus === 'idle' ? 'sent' : 'in-transaction';
    try {
      const { answer, unconfirmed } = await withConfirmation(wire, () => send(wire));
      if (unconfirmed && !isRead) throw unconfirmedCommit();
      // PostgreSQL answers the COMMIT of a failed transaction with a success whose tag is ROLLBACK.
      if (commits && answer.command === 'ROLLBACK') throw rolledBack();
      return answer;
    } catch (error) {
      // What the parser here did not understand, the server did not either.
      if (codeOf(error) === '42601' && changesSession) this.#sessionChanges -= 1;
      if (!(error instanceof WireLostError)) throw error;
      const { outcome } = verdictOn(error, phase, isRead ? 'read' : 'effectful');
      if (deadline.over) throw deadline.error('a statement was running', outcome, error);
      throw this.#lostError(outcome);
    } finally {
      stopWaiting();
      deadline.done();
      this.#usedAt = this.#context.clock.now();
      if (this.#wrote) this.#context.onWrote();
    }
  }

  /** Makes note of a text that is about to be sent. */
  async learn(text: string, known?: HeldTraits): Promise<SentText> {
    const traits = this.#order.then(() => known ?? this.#context.traits(text));
    this.#order = traits.catch(() => {});
    const { readOnly, sessionState, atomic } = await traits;
    // The body of a DO or a procedure may have done anything to the session.
    const isControl = transactionControlIn(text) !== undefined;
    const changesSession = sessionState || (!atomic && !isControl);
    if (changesSession) this.#sessionChanges += 1;
    if (!readOnly && !isControl) this.#wrote = true;
    return { isRead: readOnly, changesSession };
  }

  /** Closes the connection: what is under way on it rejects. */
  end(reason: Error): void {
    this.#endedByUs = true;
    this.wire.destroy(reason);
  }

  /**
   * Gives the connection back. It is lent again if it is as it was before: idle, nothing unanswered, no transaction, and
   * the state of its session untouched.
   */
  giveBack(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#wrote) this.#context.onWrote();
    const { wire } = this;
    const { lostBecause } = wire;
    const ownDoing = this.#endedByUs || lostBecause instanceof UnsuitableServerError;
    this.#context.breakers.record(this.#lease.endpoint, ownDoing ? undefined : lostBecause);
    if (this.#sessionChanges > 0) wire.destroy(new Error('the state of its session was changed'));
    this.#lease.release();
  }

  #throwIfOver(): void {
    if (this.#over) throw new StatementRefusedError('the connection was given back: its callback has ended');
  }

  #lostError(outcome: Outcome): ConnectionLostError {
    const cause = this.wire.lostBecause;
    return new ConnectionLostError(
      `${this.#lease.endpoint}: a connection was lost while it was lent: ${cause?.message ?? 'unknown'}`,
      outcome,
      { cause },
    );
  }
}

function rolledBack(): TransactionRolledBackError {
  return new TransactionRolledBackError('the transaction was rolled back: one of its statements had failed');
}
