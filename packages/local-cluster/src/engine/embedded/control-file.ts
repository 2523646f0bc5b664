import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface ControlFile {
  /** The server ended by writing its last checkpoint, with all sessions over. */
  cleanShutdown: boolean;
  /** Where its newest checkpoint begins in the WAL. */
  checkpoint: bigint;
}

/** DB_SHUTDOWNED and DB_SHUTDOWNED_IN_RECOVERY in src/include/catalog/pg_control.h */
const SHUT_DOWN_STATES = [1, 2];

/** Reads global/pg_control, for which the binaries have no pg_controldata. Offsets are PostgreSQL 16's on 64 bit. */
export async function readControlFile(dataDirectory: string): Promise<ControlFile> {
  const bytes = await readFile(join(dataDirectory, 'global', 'pg_control'));
  return {
    cleanShutdown: SHUT_DOWN_STATES.includes(bytes.readUInt32LE(16)),
    checkpoint: bytes.readBigUInt64LE(32),
  };
}
