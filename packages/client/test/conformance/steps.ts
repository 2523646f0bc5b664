/** What scenarios do again and again. */
import { IDENTIFY, MARK, settleText } from '../../src/wire/sql.ts';
import type { IdentityRow, PositionRow } from '../../src/wire/sql.ts';
import type { Statement } from '../../src/wire/wire.ts';
import { APP_TEXTS } from '../simulation/model/statements.ts';
import type { Session } from './scenario.ts';

export function insert(key: string): Statement {
  return { text: APP_TEXTS.insert, values: [key] };
}

export function mark(slot: string, seq: number): Statement {
  return { text: MARK, values: [slot, seq] };
}

/** One that is the app's own affair. */
export const RAISE: Statement = { text: APP_TEXTS.raise, values: ['23505'] };

/** A slot for each number. */
export function slotOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** How many rows have the key, as this session sees it. */
export async function count(session: Session, key: string): Promise<unknown> {
  return (await session.send(APP_TEXTS.read, key)).rows[0]?.['n'];
}

/** What settle says of the attempt, or why it says nothing. */
export async function settle(session: Session, slot: string, seq: number): Promise<unknown> {
  const { said, rows } = await session.script(settleText(slot, seq));
  return rows.find((row) => 'committed' in row)?.['committed'] ?? said;
}

/** What a session is told of positions: as a number, so that they can be compared, and the timeline. */
export async function positionOf(
  session: Session,
  question: string,
): Promise<{ readonly lsn: bigint; readonly timeline: unknown }> {
  const row = (await session.send(question)).rows[0] as unknown as PositionRow;
  return { lsn: BigInt(row.lsn ?? -1), timeline: row.timeline };
}

export async function identify(session: Session): Promise<IdentityRow> {
  return (await session.send(IDENTIFY)).rows[0] as unknown as IdentityRow;
}
