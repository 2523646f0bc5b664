/** Whoever changes or deletes something must have seen its newest version. */
import type { Transaction } from '@schooldb/client';
import { firstOf, query } from '../database/query.ts';
import { VersionConflictError } from './errors.ts';

type VersionedTable = 'booking' | 'substitution';

export interface SeenVersion {
  readonly id: number;
  readonly version: number;
}

/** @throws VersionConflictError where it has changed, or is gone, since that version. */
export async function deleteVersion(
  transaction: Transaction,
  table: VersionedTable,
  seen: SeenVersion,
): Promise<void> {
  const deleted = await firstOf(
    transaction,
    query.deleteFrom(table).where('id', '=', seen.id).where('version', '=', seen.version).returning('id'),
  );
  assertWasSeen(deleted, table, seen);
}

/**
 * @param row - what a statement about that version has returned.
 * @throws VersionConflictError where there was none.
 */
export function assertWasSeen(row: unknown, table: VersionedTable, { id, version }: SeenVersion): void {
  if (row === undefined) throw new VersionConflictError(`${table} ${id} is not at version ${version}`);
}
