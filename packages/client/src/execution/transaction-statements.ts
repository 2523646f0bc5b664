import type { QueryResult, QueryResultRow } from 'pg';
import type { EndpointLease } from '../endpoint/lease.ts';
import { StatementRefusedError } from '../errors/option-errors.ts';
import type { FailureVerdict } from '../policy/classify.ts';
import { obviouslyWrites, setsSynchronousCommit } from '../policy/statement-text.ts';
import type { Statement } from '../wire/wire.ts';
import { releaseText, rollBackToText, savepointText } from '../wire/sql.ts';
import type { AttemptEnd } from './attempt.ts';
import { againOrThrow } from './attempt.ts';
import type { Execution } from './execution.ts';
import { verdictOn } from './failure.ts';

/** What a transaction asks about the texts that its callback sends. */
export interface TextTraits {
  /** Whether a text needs a session of its own, which a pooler does not give. */
  readonly needsDirect: (text: string) => Promise<boolean>;
  /** Whether a text has no effect. */
  readonly isPlainRead: (text: string) => Promise<boolean>;
}

/** A failure after which the whole transaction may be run again, although the callback may have swallowed it. */
interface Repeatable {
  readonly error: unknown;
  readonly verdict: FailureVerdict;
}

/** Different texts that are remembered to be judged at the end; with more it counts as writing. */
const MAX_READS = 100;

/** The statements of one attempt: sends them, and remembers what decides how the attempt may end. */
export class TransactionStatements {
  readonly #lease: EndpointLease;
  readonly #traits: TextTraits;
  #repeatable: Repeatable | undefined;
  #metSessionState: StatementRefusedError | undefined;
  #savepoints = 0;
  /** What was sent, as long as all of it may be plain reads. */
  #reads: Set<string> | undefined = new Set();
  #mayCommitAsynchronously = false;
  /** Statements of which it is not known yet whether they need a session of their own. */
  #undecided = 0;
  #onDecided: (() => void) | undefined;

  constructor(lease: EndpointLease, traits: TextTraits) {
    this.#lease = lease;
    this.#traits = traits;
  }

  /** @param throwIfOver - throws where the callback has ended by now, and with it the right to use the connection. */
  async run<Row extends QueryResultRow>(
    statement: Statement,
    throwIfOver: () => void,
  ): Promise<QueryResult<Row>> {
    const { pooled, wire } = this.#lease.connection;
    if (pooled && (await this.#mustBeDirect(statement.text, throwIfOver))) {
      this.#metSessionState ??= new StatementRefusedError(
        'the statement needs a session of its own: no pooler',
      );
      throw this.#metSessionState;
    }
    this.#rememberRead(statement.text);
    this.#mayCommitAsynchronously ||= setsSynchronousCommit(statement.text);
    return this.#noting(wire.query(statement));
  }

  async setSavepoint(): Promise<string> {
    this.#savepoints += 1;
    const name = `schooldb_${this.#savepoints}`;
    await this.#noting(this.#lease.connection.wire.query({ text: savepointText(name) }));
    return name;
  }

  async release(savepoint: string): Promise<void> {
    await this.#noting(this.#lease.connection.wire.query({ text: releaseText(savepoint) }));
  }

  /** Where it fails the transaction stays a failed one, which can't commit. */
  async rollBackTo(savepoint: string): Promise<void> {
    await this.#lease.connection.wire.script(rollBackToText(savepoint)).catch(() => {});
  }

  /** A callback may have begun statements that it does not wait for: resolves when they are on their way. */
  async allSent(): Promise<void> {
    while (this.#undecided > 0) await new Promise<void>((resolve) => (this.#onDecided = resolve));
  }

  /** Whether nothing was sent that has an effect: such a transaction may be run twice. */
  async onlyRead(): Promise<boolean> {
    for (const text of this.#reads ?? []) if (!(await this.#traits.isPlainRead(text))) return false;
    return this.#reads !== undefined;
  }

  /** Set where a statement was not sent because it needs a session of its own, whatever the callback made of that. */
  get metSessionState(): StatementRefusedError | undefined {
    return this.#metSessionState;
  }

  /** Whether its COMMIT may be answered before it is on the disk: its texts speak of the setting that allows that. */
  get mayCommitAsynchronously(): boolean {
    return this.#mayCommitAsynchronously;
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

  #rememberRead(text: string): void {
    if (this.#reads === undefined) return;
    if (obviouslyWrites(text) || this.#reads.size === MAX_READS) this.#reads = undefined;
    else this.#reads.add(text);
  }

  async #mustBeDirect(text: string, throwIfOver: () => void): Promise<boolean> {
    this.#undecided += 1;
    try {
      return await this.#traits.needsDirect(text);
    } finally {
      this.#undecided -= 1;
      // Whoever waits for this runs after the statement was sent.
      this.#onDecided?.();
      // Meanwhile the transaction may have ended, and its connection been lent to somebody else.
      throwIfOver();
    }
  }

  async #noting<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  #note(error: unknown): void {
    const verdict = verdictOn(error, 'in-transaction', 'effectful');
    if (verdict.action !== 'pass') this.#repeatable ??= { error, verdict };
  }
}
