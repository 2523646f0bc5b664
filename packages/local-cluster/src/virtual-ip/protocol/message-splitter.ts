/**
 * A piece of one message. A message of up to `WHOLE_BYTES` comes as a single piece, however the network
 * cut it up; a larger one as it arrives, so that none is ever held in memory.
 */
export interface Piece {
  bytes: Buffer;
  /** The message's type byte; `STARTUP` for the one message that has none, `UNKNOWN` for what is no message. */
  type: number;
  /** It begins the message; whole in itself where it ends it too. */
  first: boolean;
  last: boolean;
}

export const STARTUP = 0;
export const UNKNOWN = -1;

/** Larger than any message that somebody wants to look into. */
export const WHOLE_BYTES = 8_192;

/** PostgreSQL's own MAX_STARTUP_PACKET_LENGTH (src/include/libpq/pqcomm.h). */
const LONGEST_STARTUP = 10_000;

/** Type byte and length; the length counts itself and not the type. */
const HEADER_BYTES = 5;
const STARTUP_HEADER_BYTES = 4;
const NOTHING = Buffer.alloc(0);

/**
 * Finds the messages in one direction of a connection: a type byte, a length of four bytes, the content
 * (PostgreSQL's documentation, "Message Formats"). The first message of a client has no type byte. Once
 * a length is impossible everything is passed as unknown: this was never the protocol.
 */
export class MessageSplitter {
  #startup: boolean;
  /** The beginning of a message that must be whole first. */
  #kept: Buffer = NOTHING;
  /** What is still to come of a large message. */
  #left = 0;
  #type = UNKNOWN;
  #lost = false;

  constructor({ startup }: { startup: boolean }) {
    this.#startup = startup;
  }

  /** False once something came that is not the protocol. */
  get readable(): boolean {
    return !this.#lost;
  }

  split(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    this.#kept = NOTHING;
    while (bytes.length > 0) {
      const piece = this.#lost ? unknown(bytes) : this.#next(bytes);
      if (piece === undefined) {
        // Copied, so that a few bytes don't hold a whole chunk in memory.
        this.#kept = Buffer.from(bytes);
        break;
      }
      pieces.push(piece);
      bytes = bytes.subarray(piece.bytes.length);
    }
    return pieces;
  }

  /** What was kept back, when there will be no more. */
  rest(): Buffer {
    const rest = this.#kept;
    this.#kept = NOTHING;
    return rest;
  }

  #next(bytes: Buffer): Piece | undefined {
    if (this.#left > 0) return this.#continue(bytes, false);
    const headerBytes = this.#startup ? STARTUP_HEADER_BYTES : HEADER_BYTES;
    if (bytes.length < headerBytes) return undefined;
    const total = bytes.readUInt32BE(headerBytes - 4) + headerBytes - 4;
    this.#lost = total < headerBytes || (this.#startup && total > LONGEST_STARTUP);
    if (this.#lost) return unknown(bytes);
    if (bytes.length < total && total <= WHOLE_BYTES) return undefined;
    this.#type = this.#startup ? STARTUP : (bytes[0] ?? UNKNOWN);
    this.#startup = false;
    this.#left = total;
    return this.#continue(bytes, true);
  }

  #continue(bytes: Buffer, first: boolean): Piece {
    const part = bytes.subarray(0, this.#left);
    this.#left -= part.length;
    return { bytes: part, type: this.#type, first, last: this.#left === 0 };
  }
}

function unknown(bytes: Buffer): Piece {
  return { bytes, type: UNKNOWN, first: false, last: false };
}
