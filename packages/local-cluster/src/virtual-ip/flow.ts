import type { End } from './end.ts';

/** What the network does to one direction of a connection at the moment. */
export interface Conditions {
  /** Nothing gets through, not even the news that a side has closed. */
  held: boolean;
  latencyMs: number;
  jitterMs: number;
  /** Infinity: as fast as it comes. */
  bytesPerSecond: number;
  /** Everything arrives in pieces of at most this many bytes. Infinity: as it comes. */
  sliceBytes: number;
  /** Between two pieces. */
  pauseMs: number;
  /** The connection is closed, in order, once so many bytes have passed since this began. Infinity: never. */
  limitBytes: number;
}

export const CLEAR: Readonly<Conditions> = {
  held: false,
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: Infinity,
  sliceBytes: Infinity,
  pauseMs: 0,
  limitBytes: Infinity,
};

/**
 * How a flow stops in the middle: with an end, with a reset once all before it is handed over, or
 * without a word. What comes later is read and forgotten.
 */
export type Finish = 'end' | 'reset' | 'silence';

/** Looks at what comes, and says what of it passes and whether the flow stops after that. */
export interface Filter {
  take(bytes: Buffer): { pass: Buffer[]; finish: Finish | undefined };
  /** What it has kept back, when there will be no more. */
  rest(): Buffer;
}

type Thing =
  | { what: 'data'; bytes: Buffer }
  | { what: 'end' }
  /** `after`: once everything written before is out of this process's hands. */
  | { what: 'reset'; after: boolean };
type Parcel = Thing & { dueAt: number };

/** What may be on its way in one direction; beyond it the source is no longer read, as with a full window. */
const UNDER_WAY_BYTES = 1_048_576;

/** With a bandwidth, bytes arrive in so many portions a second where they are not sliced anyway. */
const PORTIONS_PER_SECOND = 10;

/**
 * One direction of a connection: what comes from the source reaches the sink, in order, an orderly
 * end as an end and a reset as a reset.
 */
export class Flow {
  readonly #source: End;
  readonly #sink: End;
  readonly #filter: Filter | undefined;
  #conditions: Readonly<Conditions>;
  #parcels: Parcel[] = [];
  #waitingBytes = 0;
  #lastDueAt = 0;
  #sinkFull = false;
  /** Writes that the sink has not taken over yet. */
  #unwritten = 0;
  #finished = false;
  /** The line is busy until then with what was sent before. */
  #freeAt = 0;
  #limitLeft: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: End, sink: End, conditions: Readonly<Conditions>, filter?: Filter) {
    this.#source = source;
    this.#sink = sink;
    this.#conditions = conditions;
    this.#filter = filter;
    this.#limitLeft = conditions.limitBytes;
    source.stream.on('data', (bytes: Buffer) => this.#read(bytes));
    source.stream.on('end', () => this.#readEnd());
    source.stream.on('error', () => this.#accept({ what: 'reset', after: false }));
    sink.stream.on('drain', () => {
      this.#sinkFull = false;
      this.#freeAt = Math.max(this.#freeAt, performance.now());
      this.#deliver();
    });
    sink.stream.on('close', () => this.#drop());
    this.#regulate();
    // What happened before we listened.
    if (source.stream.readableEnded) this.#readEnd();
    else if (source.stream.destroyed) this.#accept({ what: 'reset', after: false });
  }

  setConditions(conditions: Readonly<Conditions>): void {
    if (conditions.limitBytes !== this.#conditions.limitBytes) this.#limitLeft = conditions.limitBytes;
    // A line that was held up does not make up for it.
    this.#freeAt = performance.now();
    this.#conditions = conditions;
    this.#deliver();
  }

  /** Stops after what is under way. */
  finish(how: Finish): void {
    if (this.#finished) return;
    if (how !== 'silence') this.#accept(how === 'end' ? { what: 'end' } : { what: 'reset', after: true });
    this.#finished = true;
    this.#regulate();
  }

  #read(bytes: Buffer): void {
    if (this.#finished) return;
    if (this.#filter === undefined) {
      this.#accept({ what: 'data', bytes });
      return;
    }
    const { pass, finish } = this.#filter.take(bytes);
    for (const part of pass) this.#accept({ what: 'data', bytes: part });
    if (finish !== undefined) this.finish(finish);
  }

  #readEnd(): void {
    const rest = this.#filter?.rest();
    if (rest !== undefined && rest.length > 0) this.#accept({ what: 'data', bytes: rest });
    this.#accept(this.#source.wasReset() ? { what: 'reset', after: true } : { what: 'end' });
  }

  #accept(thing: Thing): void {
    if (this.#finished || this.#sink.stream.destroyed) return;
    const { latencyMs, jitterMs } = this.#conditions;
    const delayMs = Math.max(0, latencyMs + (Math.random() * 2 - 1) * jitterMs);
    // Never before its predecessor: jitter must not change the order.
    this.#lastDueAt = Math.max(this.#lastDueAt, performance.now() + delayMs);
    this.#parcels.push({ ...thing, dueAt: this.#lastDueAt });
    if (thing.what === 'data') this.#waitingBytes += thing.bytes.length;
    this.#deliver();
  }

  #deliver(): void {
    clearTimeout(this.#timer);
    while (!this.#conditions.held && !this.#sinkFull) {
      const [next] = this.#parcels;
      if (next === undefined) break;
      // Looked at again when the last write is through.
      if (next.what === 'reset' && next.after && this.#unwritten > 0) break;
      const dueAt = next.what === 'data' ? this.#arrivalOf(next) : next.dueAt;
      const restMs = dueAt - performance.now();
      if (restMs > 0) {
        this.#timer = setTimeout(() => this.#deliver(), Math.ceil(restMs));
        break;
      }
      if (next.what === 'data') {
        this.#freeAt = dueAt + this.#conditions.pauseMs;
        this.#handPiece(next);
      } else {
        this.#parcels.shift();
        if (next.what === 'end') this.#sink.stream.end();
        else this.#sink.reset();
      }
    }
    this.#regulate();
  }

  /** When the next piece of it has come through the line, which carries one piece after the other. */
  #arrivalOf({ bytes, dueAt }: { bytes: Buffer; dueAt: number }): number {
    const { bytesPerSecond } = this.#conditions;
    const onTheLineMs = (this.#pieceOf(bytes) / bytesPerSecond) * 1_000;
    return Math.max(dueAt, this.#freeAt) + onTheLineMs;
  }

  #pieceOf(bytes: Buffer): number {
    const { bytesPerSecond, sliceBytes } = this.#conditions;
    return Math.min(bytes.length, sliceBytes, Math.ceil(bytesPerSecond / PORTIONS_PER_SECOND));
  }

  #handPiece(parcel: { bytes: Buffer }): void {
    const { bytes } = parcel;
    const length = Math.min(this.#pieceOf(bytes), this.#limitLeft);
    if (length === bytes.length) this.#parcels.shift();
    else parcel.bytes = bytes.subarray(length);
    this.#waitingBytes -= length;
    this.#limitLeft -= length;
    if (length > 0 && this.#sink.stream.writable) {
      this.#unwritten += 1;
      this.#sinkFull = !this.#sink.stream.write(
        length === bytes.length ? bytes : bytes.subarray(0, length),
        this.#written,
      );
    }
    if (this.#limitLeft <= 0) this.#close();
  }

  readonly #written = (): void => {
    this.#unwritten -= 1;
    if (this.#unwritten === 0 && this.#parcels.length > 0) this.#deliver();
  };

  /** The limit is reached: both sides see an end, and what they still send is forgotten. */
  #close(): void {
    this.#forget();
    this.#finished = true;
    this.#sink.stream.end();
    this.#source.stream.end();
  }

  /** Reads on only while there is room: the sender's own buffers fill up, as they would on a network. */
  #regulate(): void {
    const { stream } = this.#source;
    const room = !this.#conditions.held && !this.#sinkFull && this.#waitingBytes < UNDER_WAY_BYTES;
    if (room || this.#finished) {
      if (stream.isPaused()) stream.resume();
    } else if (!stream.isPaused()) stream.pause();
  }

  #drop(): void {
    this.#forget();
    // Nobody is left to send to; what still comes is read and forgotten, so that the source's end is seen.
    this.#sinkFull = false;
    this.#conditions = CLEAR;
    this.#regulate();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#parcels = [];
    this.#waitingBytes = 0;
  }
}
