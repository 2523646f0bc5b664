import type { Socket } from 'node:net';
import { finished } from 'node:stream';
import { socketEnd, type End, type PairEnd } from '../end.ts';
import { CLEAR, Flow, type Filter, type Finish } from '../flow.ts';
import { resetSocket } from '../reset-socket.ts';
import type { CutFault, Cuts } from './cuts.ts';
import { MessageSplitter, type Piece } from './message-splitter.ts';
import { recognise, REQUEST_BYTES } from './preamble.ts';
import type { TlsEnds } from './tls-ends.ts';
import { nextTurn, type Turn } from './turn.ts';
import { Watch } from './watch.ts';

type Side = 'client' | 'server';
type Direction = 'upstream' | 'downstream';

const ACCEPTED = 'S';
const REFUSED = 'N';

/**
 * What stands between the network and the server on a connection whose messages are read.
 *
 * First it follows how the two agree on encryption, and ends TLS towards both where they agree on it;
 * the server's part comes first, so that nothing is agreed on that the server does not have. Then both
 * directions run through a splitter and the watch, which says where to cut. What is not the protocol, a
 * CancelRequest, and encryption with GSSAPI pass unread.
 *
 * Where a connection is cut, the client is reset once everything before the cut is on its way to it. The
 * server hears an orderly end after the last message that passes: a reset could throw away what it has
 * not read yet, and it must carry out what was delivered, every time.
 */
export class Relay {
  readonly #client: PairEnd;
  readonly #server: Socket;
  /** The server in plain text, once that is agreed on. */
  #serverEnd: End;
  readonly #tls: TlsEnds | undefined;
  readonly #watch: Watch;
  readonly #splitters = {
    upstream: new MessageSplitter({ startup: true }),
    downstream: new MessageSplitter({ startup: false }),
  };
  #flows: Record<Direction, Flow> | undefined;
  #unread = false;
  #ends: Record<Side, End> | undefined;
  /** Where the message that is cut at still passes, the cut comes with its last byte. */
  #struck: { fault: CutFault; direction: Direction } | undefined;

  /** Begins at once. `client` leads to the client over the network, `server` is connected. */
  constructor(client: PairEnd, server: Socket, tls: TlsEnds | undefined, cuts: Cuts) {
    this.#client = client;
    this.#server = server;
    this.#serverEnd = socketEnd(server);
    this.#tls = tls;
    this.#watch = new Watch(cuts);
    this.#negotiate().catch(() => this.destroy());
  }

  /** Whether faults of the protocol can hit it. */
  get readable(): boolean {
    const { upstream, downstream } = this.#splitters;
    return !this.#unread && upstream.readable && downstream.readable;
  }

  /** Both sides are reset. Twice is fine. */
  destroy(): void {
    this.#client.reset();
    this.#serverEnd.reset();
  }

  /** From the first byte until there are two ends in plain text. */
  async #negotiate(): Promise<void> {
    const ends: Record<Side, End> = { client: this.#client, server: this.#serverEnd };
    let heard: Buffer = Buffer.alloc(0);
    for (;;) {
      const preamble = recognise(heard);
      if (preamble === undefined) {
        const turn = await nextTurn(ends);
        // A server never speaks first, and whoever leaves now is passed on as well.
        if (turn.side === 'server' || turn.did !== 'speak') return this.#passUnread(heard, turn);
        heard = Buffer.concat([heard, turn.bytes]);
        continue;
      }
      const secure = preamble === 'ssl-request' || preamble === 'direct-tls';
      if (preamble === 'other' || (secure && this.#tls === undefined)) return this.#passUnread(heard);
      if (preamble === 'startup' || preamble === 'direct-tls') {
        this.#client.unshift(heard);
        if (preamble === 'startup') return this.#join(ends);
        return this.#secure(this.#tls);
      }
      this.#server.write(heard.subarray(0, REQUEST_BYTES));
      heard = heard.subarray(REQUEST_BYTES);
      const answer = await nextTurn(ends);
      if (answer.side === 'client' || answer.did !== 'speak') return this.#passUnread(heard, answer);
      const word = answer.bytes.toString('latin1');
      if (word === ACCEPTED && preamble === 'ssl-request' && heard.length === 0) {
        return this.#secure(this.#tls, answer.bytes);
      }
      this.#client.write(answer.bytes);
      // An error in place of an answer, or encryption that can't be ended here.
      if (word !== REFUSED) return this.#passUnread(heard);
    }
  }

  async #secure(tls: TlsEnds | undefined, accepted?: Buffer): Promise<void> {
    if (tls === undefined) throw new Error('TLS cannot be ended without a certificate');
    const server = await tls.facingServer(this.#server);
    this.#serverEnd = {
      stream: server,
      wasReset: () => false,
      reset: () => resetSocket(this.#server, server),
    };
    if (accepted !== undefined) this.#client.write(accepted);
    const client = await tls.facingClient(this.#client);
    this.#join({
      client: {
        stream: client,
        wasReset: () => this.#client.wasReset(),
        reset: () => this.#client.reset(),
      },
      server: this.#serverEnd,
    });
  }

  #passUnread(heard: Buffer, last?: Turn<Side>): void {
    this.#unread = true;
    const ends = { client: this.#client, server: this.#serverEnd };
    if (heard.length > 0) this.#server.write(heard);
    // An end or a reset is seen by the flows themselves.
    if (last?.did === 'speak') ends[last.side].stream.unshift(last.bytes);
    connectEnds(ends, {});
  }

  #join(ends: Record<Side, End>): void {
    this.#ends = ends;
    this.#flows = connectEnds(ends, {
      upstream: this.#filter('upstream'),
      downstream: this.#filter('downstream'),
    });
  }

  #filter(direction: Direction): Filter {
    const splitter = this.#splitters[direction];
    return {
      take: (bytes) => {
        const pass: Buffer[] = [];
        for (const piece of splitter.split(bytes)) {
          const verdict = this.#judge(direction, piece);
          if (verdict !== 'withhold') append(pass, piece.bytes);
          if (verdict !== 'pass') return { pass, finish: this.#finish(direction) };
        }
        return { pass, finish: undefined };
      },
      rest: () => splitter.rest(),
    };
  }

  #judge(direction: Direction, piece: Piece): 'pass' | 'withhold' | 'pass-last' {
    if (piece.first && this.#struck === undefined) {
      const fault = this.#watch.strikes(direction, piece);
      if (fault !== undefined) this.#struck = { fault, direction };
    }
    if (this.#struck?.direction !== direction) return 'pass';
    const { fault } = this.#struck;
    if (fault.name === 'cut-after-commit' || !fault.delivered) return 'withhold';
    return piece.last ? 'pass-last' : 'pass';
  }

  /** How this direction stops; the other one is stopped accordingly. */
  #finish(direction: Direction): Finish {
    const silent = this.#struck?.fault.cut === 'silence';
    const how: Record<Direction, Finish> = silent
      ? { upstream: 'silence', downstream: 'silence' }
      : { upstream: 'end', downstream: 'reset' };
    const other = direction === 'upstream' ? 'downstream' : 'upstream';
    this.#flows?.[other].finish(how[other]);
    if (silent) this.#forgetWhenBothLeft();
    return how[direction];
  }

  /** As in a black hole neither side hears of the other's end; once both have ended there is nothing left to keep. */
  #forgetWhenBothLeft(): void {
    let left = 0;
    for (const { stream } of Object.values(this.#ends ?? {})) {
      finished(stream, { writable: false }, () => {
        left += 1;
        if (left === 2) this.destroy();
      });
    }
  }
}

function connectEnds(
  { client, server }: Record<Side, End>,
  filters: { upstream?: Filter; downstream?: Filter },
): Record<Direction, Flow> {
  return {
    upstream: new Flow(client, server, CLEAR, filters.upstream),
    downstream: new Flow(server, client, CLEAR, filters.downstream),
  };
}

/** Puts together again what lies side by side: one write instead of hundreds. */
function append(parts: Buffer[], bytes: Buffer): void {
  const last = parts.at(-1);
  const adjacent = last?.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset;
  if (last === undefined || !adjacent) parts.push(bytes);
  else parts[parts.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length);
}
