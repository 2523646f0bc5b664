/**
 * A transaction that Kysely keeps: its callback can't be run again by us, so whatever would have made us do so reaches
 * the caller. It lives on one connection from BEGIN to its end.
 *
 *   open     statements go to its connection
 *   over     committed or rolled back, or nobody knows: its statements are refused, a rollback has nothing to do
 */
import type { TransactionSettings } from 'kysely';
import type { Connection } from '../../endpoint/connection.ts';
import { ConnectionLostError } from '../../errors/connection-errors.ts';
import { TransactionRolledBackError } from '../../errors/commit-errors.ts';
import { SchoolDbError } from '../../errors/base.ts';
import { StatementRefusedError } from '../../errors/option-errors.ts';
import type { AttemptEnd } from '../../execution/attempt.ts';
import { againOrThrow } from '../../execution/attempt.ts';
import { questionBehind } from '../../execution/causality.ts';
import type { CommitEnd } from '../../execution/commit.ts';
import { commit } from '../../execution/commit.ts';
import { serverTime, settle, unknownOutcome } from '../../execution/commit-outcome.ts';
import type { CommitMark } from '../../execution/commit-slots.ts';
import { verdictOn } from '../../execution/failure.ts';
import type { HeldConnection } from '../../execution/held-connection.ts';
import type { EndpointLease } from '../../endpoint/lease.ts';
import { setsSynchronousCommit } from '../../policy/statement-text.ts';
import { Deadline } from '../../runtime/deadline.ts';
import { operationChannel, traced } from '../../runtime/diagnostics.ts';
import { POSITION_INSERTED, quoteIdentifier, releaseText, savepointText } from '../../wire/sql.ts';
import { WireLostError } from '../../wire/wire.ts';
import type { KnownStatement, KyselyAccess } from './access.ts';

/** What Kysely looks for on the error of a COMMIT that only rolled back: it need not roll back itself then. */
const ABORTED = Symbol.for('kysely.AbortedTransactionError');

/** Whether Kysely takes the transaction for ended by this error of a COMMIT. */
export function endsForKysely(error: unknown): boolean {
  return typeof error === 'object' && error !== null && ABORTED in error;
}

/** What is known of the statements that Kysely itself sends. */
export const CONTROL: KnownStatement = {
  readOnly: true,
  sessionState: false,
  atomic: true,
  statements: 1,
  transactionControl: 'SAVEPOINT',
};

const OF_SAVEPOINTS: ReadonlySet<string> = new Set(['SAVEPOINT', 'RELEASE', 'ROLLBACK TO']);

/** PostgreSQL manual, "START TRANSACTION"; as Kysely's own dialect writes it. */
export function beginningOf({ isolationLevel, accessMode }: TransactionSettings): string {
  const level = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
  return `start transaction${level}${accessMode === undefined ? '' : ` ${accessMode}`}`;
}

/** Begins a transaction on a new lease: nothing is lost if that has to be done again. */
export async function attemptBegin(
  text: string,
  lease: EndpointLease,
  deadline: Deadline,
  { execution }: KyselyAccess,
): Promise<AttemptEnd<void>> {
  try {
    await lease.connection.wire.query({ text });
    return { state: 'done', value: undefined };
  } catch (error) {
    if (deadline.over) throw deadline.error('a transaction was beginning', 'not-executed', error);
    return againOrThrow(error, verdictOn(error, 'sent', 'read'), lease, execution.clock);
  }
}

export class KyselyTransaction {
  readonly #access: KyselyAccess;
  readonly #held: HeldConnection;
  readonly #connection: Connection;
  readonly #deadlineMs: number;
  readonly #isReadOnly: boolean;
  /** Whether nothing but the transaction needs its connection. */
  readonly #isAlone: boolean;
  #hasWritten = false;
  #mayCommitAsynchronously = false;
  #isOver = false;

  constructor(
    access: KyselyAccess,
    held: HeldConnection,
    connection: Connection,
    { accessMode, isAlone, deadlineMs }: TransactionSettings & { isAlone: boolean; deadlineMs: number },
  ) {
    this.#access = access;
    this.#held = held;
    this.#connection = connection;
    this.#deadlineMs = deadlineMs;
    this.#isReadOnly = accessMode === 'read only';
    this.#isAlone = isAlone;
  }

  /** Makes note of a statement that is about to be sent. @throws StatementRefusedError where it must not be. */
  admit(text: string, known: KnownStatement): void {
    if (this.#isOver) throw new StatementRefusedError('the transaction is over: only its rollback is left');
    const { transactionControl: control, statements } = known;
    if (control !== undefined && (statements > 1 || !OF_SAVEPOINTS.has(control))) {
      throw new StatementRefusedError(
        `${control} in a transaction of Kysely's: its begin and end are kept by Kysely. Return to commit, throw to roll back`,
      );
    }
    this.#hasWritten ||= !known.readOnly && control === undefined;
    this.#mayCommitAsynchronously ||= setsSynchronousCommit(text);
  }

  async setSavepoint(name: string): Promise<void> {
    await this.#control(savepointText(quoteIdentifier(name)));
  }

  async rollBackTo(name: string): Promise<void> {
    await this.#control(`ROLLBACK TO SAVEPOINT ${quoteIdentifier(name)}`);
  }

  async release(name: string): Promise<void> {
    await this.#control(releaseText(quoteIdentifier(name)));
  }

  /** What was lost with the connection is rolled back by the server. */
  async rollBack(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const { wire } = this.#held;
    if (wire.lostBecause !== undefined) return;
    const limits = { deadlineMs: this.#deadlineMs, signals: [] };
    try {
      await this.#held.query({ text: 'ROLLBACK' }, limits, CONTROL);
    } catch (error) {
      // As good as done: the server ends what nobody is connected to.
      if (wire.lostBecause === undefined) throw error;
    }
  }

  /**
   * Commits, with a mark where the schema is installed: a lost answer is asked about then.
   *
   * @throws what the server said; TransactionRolledBackError and ConnectionLostError, which did not commit;
   * CommitOutcomeUnknownError and CommitUnconfirmedError.
   */
  async commit(): Promise<void> {
    if (this.#isOver) throw new StatementRefusedError('the transaction is over: it can not be committed');
    this.#isOver = true;
    const deadlineMs = this.#deadlineMs;
    await traced(operationChannel, { operation: 'kysely commit', deadlineMs }, async () => {
      const deadline = new Deadline(this.#access.execution.clock, deadlineMs);
      try {
        await this.#commitBy(deadline);
      } finally {
        deadline.done();
      }
    });
  }

  async #commitBy(deadline: Deadline): Promise<void> {
    const { execution, mayMark } = this.#access;
    const marked = !this.#isReadOnly && this.#hasWritten && mayMark(this.#connection);
    const slot = marked ? execution.slots.take() : undefined;
    let isKnown = true;
    try {
      const mark = slot?.next();
      const end = await this.#send(mark, deadline);
      if (end.state === 'committed') return;
      if (end.state === 'failed') throw this.#notCommitted(end.error, deadline);
      if (mark !== undefined && end.state === 'unknown') return await this.#settle(mark, deadline, end.error);
      if (!(end.error instanceof WireLostError)) throw end.error;
      // What has only read has nothing that could be in doubt.
      if (!this.#hasWritten) throw this.#notCommitted(end.error, deadline);
      throw unknownOutcome('the transaction carried no mark that could be asked for', undefined, end.error);
    } catch (error) {
      isKnown = !(error instanceof SchoolDbError && error.outcome === 'unknown');
      throw error;
    } finally {
      if (slot !== undefined && isKnown) execution.slots.giveBack(slot);
    }
  }

  async #send(mark: CommitMark | undefined, deadline: Deadline): Promise<CommitEnd> {
    const { wire } = this.#held;
    if (wire.lostBecause === undefined && wire.transactionStatus === 'idle') {
      throw new StatementRefusedError(
        'a statement has ended the transaction from within: part of it may be committed',
      );
    }
    const stopWaiting = deadline.onOver(() => this.#held.end(new Error('the caller stopped waiting')));
    try {
      return await commit(wire, mark, this.#position());
    } finally {
      stopWaiting();
    }
  }

  #position() {
    const of = this.#hasWritten ? 'write' : 'read';
    const question = questionBehind(of, this.#access.causality, this.#connection);
    const isAsked = question.statements.length > 0;
    return this.#mayCommitAsynchronously && isAsked
      ? { ...question, statements: [{ text: POSITION_INSERTED }] }
      : question;
  }

  async #settle(mark: CommitMark, deadline: Deadline, cause: Error): Promise<void> {
    const { execution, causality } = this.#access;
    const { systemId } = this.#connection.identity;
    const at = serverTime(this.#connection, execution.clock);
    // This needs a connection, and those who ask may have held all of them.
    if (this.#isAlone || this.#held.wire.lostBecause !== undefined) this.#held.giveBack();
    const unknown = { mark, systemId, database: execution.database, at };
    if (!(await settle(execution, unknown, deadline, cause))) throw this.#notCommitted(cause, deadline);
    // It is certain that it was written, and nobody was there to say up to where.
    causality.expect('write')?.(undefined);
  }

  /** For the caller, who may run all of it again, and for Kysely, which has nothing left to roll back. */
  #notCommitted(error: unknown, deadline: Deadline): unknown {
    if (error instanceof TransactionRolledBackError) return Object.assign(error, { [ABORTED]: true });
    if (!(error instanceof WireLostError)) return error;
    const ours = deadline.over
      ? deadline.error('a transaction was committing', 'not-executed', error)
      : new ConnectionLostError('the connection was lost, and nothing was committed', 'not-executed', {
          cause: error,
        });
    return Object.assign(ours, { [ABORTED]: true });
  }

  async #control(text: string): Promise<void> {
    this.admit(text, CONTROL);
    await this.#held.query({ text }, { deadlineMs: this.#deadlineMs, signals: [] }, CONTROL);
  }
}
