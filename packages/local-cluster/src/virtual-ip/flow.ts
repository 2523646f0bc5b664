import type { Socket } from 'node:net';
import { resetSocket } from './reset-socket.ts';

/** What the network does to one direction of a connection at the moment. */
export interface Conditions {
  /** Nothing gets through, not even the news that a side has closed. */
  held: boolean;
  latencyMs: number;
  jitterMs: number;
}

export const CLEAR: Conditions = { held: false, latencyMs: 0, jitterMs: 0 };

type Parcel = { dueAt: number } & ({ what: 'data'; bytes: Buffer } | { what: 'end' } | { what: 'reset' });

/** What may be on its way in one direction; beyond it the source is no longer read, as with a full window. */
const UNDER_WAY_BYTES = 1_048_576;

/**
 * One direction of a connection: what comes from the source reaches the sink, in order, an orderly
 * end as an end and a reset as a reset.
 */
export class Flow {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #random: () => number;
  #conditions: Conditions;
  #parcels: Parcel[] = [];
  #waitingBytes = 0;
  #lastDueAt = 0;
  #sinkFull = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, sink: Socket, conditions: Conditions, random: () => number = Math.random) {
    this.#source = source;
    this.#sink = sink;
    this.#conditions = conditions;
    this.#random = random;
    source.on('data', (bytes: Buffer) => this.#accept({ what: 'data', bytes }));
    source.on('end', () => this.#accept({ what: 'end' }));
    source.on('error', () => this.#accept({ what: 'reset' }));
    sink.on('drain', () => {
      this.#sinkFull = false;
      this.#deliver();
    });
    sink.on('close', () => this.#drop());
    this.#regulate();
  }

  setConditions(conditions: Conditions): void {
    this.#conditions = conditions;
    this.#deliver();
  }

  #accept(parcel: { what: 'data'; bytes: Buffer } | { what: 'end' } | { what: 'reset' }): void {
    if (this.#sink.destroyed) return;
    const { latencyMs, jitterMs } = this.#conditions;
    const delayMs = Math.max(0, latencyMs + (this.#random() * 2 - 1) * jitterMs);
    // Never before its predecessor: jitter must not change the order.
    this.#lastDueAt = Math.max(this.#lastDueAt, performance.now() + delayMs);
    this.#parcels.push({
      ...parcel,
      dueAt: delayMs === 0 && this.#parcels.length === 0 ? 0 : this.#lastDueAt,
    });
    if (parcel.what === 'data') this.#waitingBytes += parcel.bytes.length;
    this.#deliver();
  }

  #deliver(): void {
    clearTimeout(this.#timer);
    while (!this.#conditions.held && !this.#sinkFull) {
      const [next] = this.#parcels;
      if (next === undefined) break;
      const restMs = next.dueAt - performance.now();
      if (restMs > 0) {
        this.#timer = setTimeout(() => this.#deliver(), restMs);
        break;
      }
      this.#parcels.shift();
      this.#hand(next);
    }
    this.#regulate();
  }

  #hand(parcel: Parcel): void {
    switch (parcel.what) {
      case 'data':
        this.#waitingBytes -= parcel.bytes.length;
        if (this.#sink.writable) this.#sinkFull = !this.#sink.write(parcel.bytes);
        break;
      case 'end':
        this.#sink.end();
        break;
      case 'reset':
        resetSocket(this.#sink);
        break;
    }
  }

  /** Reads on only while there is room: the sender's own buffers fill up, as they would on a network. */
  #regulate(): void {
    const room = !this.#conditions.held && !this.#sinkFull && this.#waitingBytes < UNDER_WAY_BYTES;
    if (room && this.#source.isPaused()) this.#source.resume();
    if (!room && !this.#source.isPaused()) this.#source.pause();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#parcels = [];
    this.#waitingBytes = 0;
    // Nobody is left to send to; what still comes is read and forgotten, so that the source's end is seen.
    this.#sinkFull = false;
    this.#conditions = CLEAR;
    this.#regulate();
  }
}
