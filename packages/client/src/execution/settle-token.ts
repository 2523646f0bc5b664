import { crc32 } from 'node:zlib';
import { InvalidTokenError } from '../errors/commit-errors.ts';
import type { CommitMark } from './commit-slots.ts';

/** An attempt to commit whose outcome is unknown, so that it can be asked about later, and by another process. */
export interface UnknownCommit {
  readonly mark: CommitMark;
  /** The cluster that it was sent to. */
  readonly systemId: string;
  /** Slots are kept per database. */
  readonly database: string;
  /** By the clock of the server, in seconds since 1970: slots are not kept for ever. */
  readonly at: number;
}

/** What a token says. Of the database it holds a checksum only: enough to notice the wrong one. */
export interface SettleTokenContent extends Omit<UnknownCommit, 'database'> {
  readonly databaseSum: number;
}

/** The first byte: whoever changes the layout below counts on. */
const VERSION = 1;

const LENGTH = 44;
const BEFORE_CHECKSUM = LENGTH - 4;

/** A text of 59 characters that are fit for a URL or a cookie. It holds no secret, and gives no right. */
export function settleTokenOf({ mark, systemId, database, at }: UnknownCommit): string {
  const bytes = Buffer.alloc(LENGTH);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeBigUInt64BE(BigInt(systemId), 1);
  bytes.writeUInt32BE(databaseSum(database), 9);
  bytes.write(mark.slot.replaceAll('-', ''), 13, 'hex');
  bytes.writeUIntBE(mark.seq, 29, 6);
  bytes.writeUIntBE(Math.max(0, Math.round(at)), 35, 5);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, BEFORE_CHECKSUM)), BEFORE_CHECKSUM);
  return bytes.toString('base64url');
}

/** @throws InvalidTokenError for anything that {@link settleTokenOf} has not made. */
export function readSettleToken(token: unknown): SettleTokenContent {
  if (typeof token !== 'string') throw invalid(`it must be a text, but is of type ${typeof token}`);
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== LENGTH || bytes.toString('base64url') !== token) throw invalid('it is damaged');
  if (crc32(bytes.subarray(0, BEFORE_CHECKSUM)) !== bytes.readUInt32BE(BEFORE_CHECKSUM))
    throw invalid('it is damaged');
  if (bytes.readUInt8(0) !== VERSION) throw invalid('it was made by another version of this library');
  return {
    systemId: String(bytes.readBigUInt64BE(1)),
    databaseSum: bytes.readUInt32BE(9),
    mark: { slot: uuidOf(bytes.toString('hex', 13, 29)), seq: bytes.readUIntBE(29, 6) },
    at: bytes.readUIntBE(35, 5),
  };
}

export function databaseSum(database: string): number {
  return crc32(database);
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function invalid(why: string): InvalidTokenError {
  return new InvalidTokenError(
    `this is no token of a CommitOutcomeUnknownError, which settle() asks about: ${why}`,
  );
}
