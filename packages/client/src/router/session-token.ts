import { crc32 } from 'node:zlib';
import type { Position } from '../policy/position.ts';
import { Watermark } from '../policy/watermark.ts';

/** The first byte: whoever changes the layout below counts on. */
const VERSION = 1;
const LENGTH = 26;
const BEFORE_CHECKSUM = LENGTH - 4;
const UNKNOWN = 1;
/** Longer texts are none of ours, and not worth looking at. */
const MAX_TEXT = 64;

/**
 * A text of 35 characters that are fit for a URL or a cookie; an empty one where there is nothing to say. It holds no
 * secret, and gives no right.
 */
export function sessionTokenOf({ position, unknown }: Watermark): string {
  if (position === undefined && !unknown) return '';
  const bytes = Buffer.alloc(LENGTH);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeUInt8(unknown ? UNKNOWN : 0, 1);
  if (position !== undefined) {
    bytes.writeBigUInt64BE(BigInt(position.systemId), 2);
    bytes.writeUInt32BE(position.timeline, 10);
    bytes.writeBigUInt64BE(position.lsn, 14);
  }
  bytes.writeUInt32BE(crc32(bytes.subarray(0, BEFORE_CHECKSUM)), BEFORE_CHECKSUM);
  return bytes.toString('base64url');
}

/**
 * What a token says. Whatever was not made by {@link sessionTokenOf} says nothing: it comes from outside, from a
 * cookie perhaps, and must not keep anybody from reading.
 */
export function readSessionToken(token: unknown): Watermark {
  if (typeof token !== 'string' || token.length > MAX_TEXT) return new Watermark();
  const bytes = Buffer.from(token, 'base64url');
  const isOurs =
    bytes.length === LENGTH &&
    bytes.toString('base64url') === token &&
    crc32(bytes.subarray(0, BEFORE_CHECKSUM)) === bytes.readUInt32BE(BEFORE_CHECKSUM) &&
    bytes.readUInt8(0) === VERSION;
  if (!isOurs) return new Watermark();
  return new Watermark(positionIn(bytes), bytes.readUInt8(1) === UNKNOWN);
}

function positionIn(bytes: Buffer): Position | undefined {
  const timeline = bytes.readUInt32BE(10);
  if (timeline === 0) return undefined;
  return { systemId: String(bytes.readBigUInt64BE(2)), timeline, lsn: bytes.readBigUInt64BE(14) };
}
