import type { QueryResult, QueryResultRow } from 'pg';
import { StatementRefusedError } from '../errors/option-errors.ts';
import type { CommitToken } from '../errors/commit-errors.ts';
import type { EndpointLease } from '../endpoint/lease.ts';
import type { FailureVerdict } from '../policy/classify.ts';
import { transactionControlIn } from '../policy/statement-text.ts';
import { refuseCopyStream } from './refuse.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd } from './attempt.ts';
import { againOrThrow } from './attempt.ts';
import { commit, rollBack } from './commit.ts';
import { unknownOutcome } from './commit-outcome.ts';
import type { Execution } from './execution.ts';
import { verdictOn } from './failure.ts';
import { opening, refusedByGuard } from './opening.ts';

/** What the callback of a transaction works with. Of no use once the callback has ended. */
export interface Transaction {
  /**
   * Runs one statement in the transaction.
   *
   * @throws SQL errors as they are; after one of them only the end of the transaction is left (PostgreSQL manual,
   * "Transactions"). StatementRefusedError for BEGIN, COMMIT, ROLLBACK and their like: the client keeps those.
   */
  query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
}

export interface TransactionWork<T> {
  readonly callback: (transaction: Transaction) => Promise<T>;
  /** Whether a text needs a session of its own, which a pooler does not give. */
  readonly needsDirect: (text: string) => Promise<boolean>;
}

/**
 * One run of the callback between BEGIN and COMMIT. A connection that breaks before COMMIT was sent, a serialization
 * failure and a deadlock are rolled back by the server: then the whole callback is run again.
 */
export async function attemptTransaction<T>(
  work: TransactionWork<T>,
  token: CommitToken | undefined,
  lease: EndpointLease,
  deadline: Deadline,
  execution: Execution,
): Promise<AttemptEnd<T>> {
  const { wire } = lease.connection;
  const scope = new TransactionScope(lease, work.needsDirect);
  let value: T;
  try {
    const begun = await wire.flush(opening(lease, execution.endpoints.cluster));
    const refused = refusedByGuard(begun, lease);
    if (refused !== undefined) {
      await rollBack(wire);
      return refused;
    }
    scope.throwIfFailed(begun);
    value = await untilOver(work.callback(scope), deadline);
    await scope.drained();
    scope.close();
  } catch (error) {
    scope.close();
    if (deadline.over) throw deadline.error('a transaction was running', 'not-executed', error);
    await rollBack(wire);
    return scope.endAfter(error, execution);
  }
  if (wire.lostBecause === undefined && wire.transactionStatus === 'idle') {
    throw new StatementRefusedError(
      'a statement has ended the transaction from within: part of it may be committed',
    );
  }
  if (scope.metSessionState !== undefined) {
    await rollBack(wire);
    return { state: 'again', cause: scope.metSessionState, needs: 'direct' };
  }
  const end = await commit(wire, token);
  if (end.state === 'committed') return { state: 'done', value };
  if (end.state === 'failed') return scope.endAfter(end.error, execution);
  if (token !== undefined && end.state === 'unknown')
    return { state: 'unsettled', token, value, cause: end.error };
  throw end.error instanceof WireLostError
    ? unknownOutcome('the transaction carried no mark that could be asked for', undefined, end.error)
    : end.error;
}

/** A failure after which the whole transaction may be run again, although the callback may have swallowed it. */
interface Repeatable {
  readonly error: unknown;
  readonly verdict: FailureVerdict;
}

class TransactionScope implements Transaction {
  readonly #lease: EndpointLease;
  readonly #needsDirect: (text: string) => Promise<boolean>;
  #open = true;
  #repeatable: Repeatable | undefined;
  #metSessionState: StatementRefusedError | undefined;
  /** Statements of which it is not known yet whether they need a session of their own. */
  #undecided = 0;
  #onDecided: (() => void) | undefined;

  constructor(lease: EndpointLease, needsDirect: (text: string) => Promise<boolean>) {
    this.#lease = lease;
    this.#needsDirect = needsDirect;
  }

  async query<Row extends QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    this.#throwIfOver();
    const control = transactionControlIn(text);
    if (control !== undefined) {
      throw new StatementRefusedError(
        `${control} inside transaction(): its begin and end are kept by the client. Return to commit, throw to roll back`,
      );
    }
    refuseCopyStream(text);
    const { pooled, wire } = this.#lease.connection;
    if (pooled && (await this.#mustBeDirect(text))) {
      this.#metSessionState ??= new StatementRefusedError(
        'the statement needs a session of its own: no pooler',
      );
      throw this.#metSessionState;
    }
    try {
      return await wire.query({ text, values });
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  /** The callback has ended, and may have begun statements that it does not wait for: until they are on their way. */
  async drained(): Promise<void> {
    while (this.#undecided > 0) await new Promise<void>((resolve) => (this.#onDecided = resolve));
  }

  /** Set where a statement was not sent because it needs a session of its own, whatever the callback made of that. */
  get metSessionState(): StatementRefusedError | undefined {
    return this.#metSessionState;
  }

  /** @throws the first failure among answers. */
  throwIfFailed(answers: readonly PromiseSettledResult<unknown>[]): void {
    const failed = answers.find((each) => each.status === 'rejected');
    if (failed === undefined) return;
    this.#note(failed.reason);
    throw failed.reason;
  }

  /**
   * How the attempt ends after the callback or COMMIT has failed. What a callback throws may be its own wrapping of
   * what a statement told it: the statement's failure decides.
   */
  endAfter(error: unknown, { clock }: Execution): Promise<AttemptEnd<never>> | AttemptEnd<never> {
    if (this.#metSessionState !== undefined)
      return { state: 'again', cause: this.#metSessionState, needs: 'direct' };
    const failed = this.#repeatable ?? { error, verdict: verdictOn(error, 'in-transaction', 'effectful') };
    return againOrThrow(failed.error, failed.verdict, this.#lease, clock);
  }

  close(): void {
    this.#open = false;
  }

  async #mustBeDirect(text: string): Promise<boolean> {
    this.#undecided += 1;
    try {
      return await this.#needsDirect(text);
    } finally {
      this.#undecided -= 1;
      // Whoever waits for this runs after the statement was sent.
      this.#onDecided?.();
      // Meanwhile the transaction may have ended, and its connection been lent to somebody else.
      this.#throwIfOver();
    }
  }

  #throwIfOver(): void {
    if (!this.#open) throw new StatementRefusedError('the transaction is over: its callback has ended');
  }

  #note(error: unknown): void {
    const verdict = verdictOn(error, 'in-transaction', 'effectful');
    if (verdict.action !== 'pass') this.#repeatable ??= { error, verdict };
  }
}

/** The callback may wait for something that is no statement, which nobody can interrupt: its caller is answered. */
function untilOver<T>(work: Promise<T>, deadline: Deadline): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopWaiting = deadline.onOver(() => reject(new Error('the deadline is over')));
    work.then(resolve, reject).finally(stopWaiting);
  });
}
