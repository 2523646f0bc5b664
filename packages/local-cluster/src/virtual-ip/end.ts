import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { resetSocket } from './reset-socket.ts';

/** One end of a connection: a socket, or what is decrypted from one. */
export interface End {
  readonly stream: Duplex;
  /** What it sent ended with a reset, although the stream tells it as an end. */
  wasReset(): boolean;
  reset(): void;
}

export function socketEnd(socket: Socket): End {
  // A socket tells of a reset as an error.
  return { stream: socket, wasReset: () => false, reset: () => resetSocket(socket) };
}

/**
 * One of two ends that are connected to each other inside this process. Unlike `duplexPair()` of
 * Node it also passes on a reset, and after what was written before it: nothing can overtake.
 */
export class PairEnd extends Duplex implements End {
  readonly stream = this;
  #peer: PairEnd | undefined;
  #resume: (() => void) | undefined;
  #wasReset = false;

  static connected(): [PairEnd, PairEnd] {
    const [one, other] = [new PairEnd(), new PairEnd()];
    one.#peer = other;
    other.#peer = one;
    return [one, other];
  }

  wasReset(): boolean {
    return this.#wasReset;
  }

  reset(): void {
    this.destroy();
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const peer = this.#peer;
    if (peer === undefined || peer.destroyed || peer.push(bytes)) done();
    else peer.#resume = done;
  }

  override _final(done: () => void): void {
    this.#peer?.push(null);
    this.#peer = undefined;
    done();
  }

  override _destroy(_error: Error | null, done: (error: null) => void): void {
    const peer = this.#peer;
    this.#peer = undefined;
    if (peer !== undefined && !peer.destroyed) {
      peer.#wasReset = true;
      peer.push(null);
    }
    // Whoever waits for room here would wait for good.
    this._read();
    done(null);
  }
}
