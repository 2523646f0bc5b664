/**
 * COPY from and to the client (PostgreSQL manual, "COPY"). What comes in is taken in a transaction with a mark, so that a
 * lost COMMIT can be asked about; a source can be read only once, so nothing is repeated after its first piece.
 */
import type { Writable } from 'node:stream';
import type { EndpointLease } from '../endpoint/lease.ts';
import { Deadline } from '../runtime/deadline.ts';
import { beginText } from '../wire/sql.ts';
import type { WireCopyIn } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd } from './attempt.ts';
import { againOrThrow } from './attempt.ts';
import type { PositionQuestion } from './causality.ts';
import { commit, rollBack } from './commit.ts';
import { unknownOutcome } from './commit-outcome.ts';
import type { CommitMark } from './commit-slots.ts';
import type { Execution } from './execution.ts';
import { verdictOn } from './failure.ts';
import type { OpenLoan } from './lend.ts';
import { streamFailure } from './stream.ts';

/** What COPY … FROM STDIN takes: a stream, or anything else that gives pieces of text or bytes. */
export type CopySource = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

export interface CopyResult {
  /** Rows that were copied; null where the commit is certain but the server's answer was lost. */
  readonly rowCount: number | null;
}

/** Reads a source once, and knows whether it was begun. */
export class CopyPieces {
  readonly #source: CopySource;
  #pieces: Iterator<string | Uint8Array> | AsyncIterator<string | Uint8Array> | undefined;

  constructor(source: CopySource) {
    this.#source = source;
  }

  get begun(): boolean {
    return this.#pieces !== undefined;
  }

  /** @returns undefined at its end. */
  async next(): Promise<string | Uint8Array | undefined> {
    this.#pieces ??=
      Symbol.asyncIterator in this.#source
        ? this.#source[Symbol.asyncIterator]()
        : this.#source[Symbol.iterator]();
    const { done, value } = await this.#pieces.next();
    return done === true ? undefined : value;
  }

  /** Nothing more is taken: the source may close what it has open. It need not be in a hurry. */
  abandon(): void {
    const closing = async () => this.#pieces?.return?.();
    closing().catch(() => {});
  }
}

/** The source has failed: that is the app's own error, and reaches it as it is. */
class SourceError extends Error {}

export async function attemptCopyIn(
  text: string,
  pieces: CopyPieces,
  mark: CommitMark | undefined,
  position: PositionQuestion,
  lease: EndpointLease,
  deadline: Deadline,
  execution: Execution,
): Promise<AttemptEnd<CopyResult>> {
  const { wire } = lease.connection;
  let rowCount: number;
  try {
    await wire.query({ text: beginText({}) });
    rowCount = await copyIn(wire.copyIn(text), pieces);
  } catch (error) {
    if (error instanceof SourceError || deadline.over) pieces.abandon();
    if (deadline.over) throw deadline.error('a COPY was running', 'not-executed', error);
    await rollBack(wire);
    if (error instanceof SourceError) throw error.cause;
    return ended(error, pieces, lease, execution);
  }
  const end = await commit(wire, mark, position);
  if (end.state === 'committed') return { state: 'done', value: { rowCount } };
  if (end.state === 'failed') return ended(end.error, pieces, lease, execution);
  if (mark !== undefined && end.state === 'unknown')
    return { state: 'unsettled', mark, value: { rowCount }, cause: end.error, last: true };
  if (!(end.error instanceof WireLostError)) throw end.error;
  throw unknownOutcome('the COPY carried no mark that could be asked for', undefined, end.error);
}

async function ended(
  error: unknown,
  pieces: CopyPieces,
  lease: EndpointLease,
  { clock }: Execution,
): Promise<AttemptEnd<never>> {
  const end = await againOrThrow(error, verdictOn(error, 'in-transaction', 'effectful'), lease, clock);
  if (!pieces.begun || end.state !== 'again') return end;
  pieces.abandon();
  return { ...end, last: true };
}

async function copyIn({ stream, rowCount }: WireCopyIn, pieces: CopyPieces): Promise<number> {
  // The server may say no at any moment, also while the source is silent.
  const refused = rowCount.then(
    () => new Promise<never>(() => {}),
    (error: unknown) => Promise.reject(error),
  );
  refused.catch(() => {});
  try {
    while (await Promise.race([sendPiece(pieces, stream), refused])) {
      if (stream.writableNeedDrain) await Promise.race([drained(stream), refused]);
    }
  } catch (error) {
    // Told of it, the server forgets what it has taken, and is ready for something else.
    if (error instanceof SourceError) {
      stream.destroy(new Error('the source failed'));
      await rowCount.catch(() => {});
    }
    throw error;
  }
  stream.end();
  return rowCount;
}

/** @returns false at the end of the source. */
async function sendPiece(pieces: CopyPieces, stream: Writable): Promise<boolean> {
  try {
    const piece = await pieces.next();
    if (piece !== undefined) stream.write(piece);
    return piece !== undefined;
  } catch (error) {
    throw new SourceError('the source of a COPY failed', { cause: error });
  }
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => stream.once('drain', resolve));
}

export interface CopyOutPlan {
  readonly text: string;
  readonly isRead: boolean;
  /** For the connection, and then for each piece, in milliseconds. */
  readonly deadlineMs: number;
  readonly signals: readonly AbortSignal[];
  readonly open: () => Promise<OpenLoan>;
}

/** @returns the number of rows. */
export async function* copyOut(
  { text, isRead, deadlineMs, signals, open }: CopyOutPlan,
  { clock }: Pick<Execution, 'clock'>,
): AsyncGenerator<Buffer, number, undefined> {
  const loan = await open();
  const { held } = loan;
  let isOver = false;
  try {
    const { stream, rowCount } = held.wire.copyOut(text);
    rowCount.catch((error: Error) => stream.destroy(error));
    const pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (;;) {
      const deadline = new Deadline(clock, deadlineMs, signals);
      const stopWaiting = deadline.onOver(() => held.end(new Error('the caller stopped waiting')));
      try {
        const { done, value } = await pieces.next();
        if (done === true) break;
        yield value;
      } catch (error) {
        throw streamFailure(error, verdictOn(error, 'streaming', isRead ? 'read' : 'effectful'), deadline);
      } finally {
        stopWaiting();
        deadline.done();
      }
    }
    const rows = await rowCount;
    isOver = true;
    return rows;
  } finally {
    // The server goes on sending to whoever does not read to the end.
    if (!isOver && held.wire.unanswered > 0) held.end(new Error('the reader of a COPY has left'));
    await loan.end().catch(() => {});
  }
}
