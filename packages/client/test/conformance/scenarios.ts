/** Transactions on servers that are well. Each scenario uses keys and slots of its own. */
import { IDENTIFY, MARK, markAndCommitText, settleText } from '../../src/wire/sql.ts';
import { APP_TEXTS } from '../simulation/model/statements.ts';
import type { World } from './scenario.ts';
import { insert, mark, RAISE, slotOf, count, settle } from './steps.ts';

/** What was fenced can not commit, in whatever form the mark comes. */
export async function fencedAttempt(world: World) {
  const session = await world.open(world.primary);
  const slot = slotOf(61);
  const settled = await session.script(settleText(slot, 1));
  const begun = await session.tell('BEGIN', insert('6-script'));
  const inScript = `${(await session.script(markAndCommitText(slot, 1))).said} (${session.status})`;
  const commitAfter = await session.tell('COMMIT');
  const alone = `${(await session.script(markAndCommitText(slot, 1))).said} (${session.status})`;
  const packet = [{ text: 'BEGIN' }, insert('6-flush'), mark(slot, 1), { text: 'COMMIT' }];
  const inFlush = (await session.flush(...packet)).map(({ said }) => said);
  const next = [{ text: 'BEGIN' }, insert('6-next'), mark(slot, 2), { text: 'COMMIT' }];
  const nextAttempt = (await session.flush(...next)).map(({ said }) => said);
  return {
    settled,
    begun,
    inScript,
    commitAfter,
    alone,
    inFlush,
    nextAttempt,
    rows: [await count(session, '6-script'), await count(session, '6-flush'), await count(session, '6-next')],
    settledAgain: [
      await settle(session, slot, 1),
      await settle(session, slot, 2),
      await settle(session, slot, 3),
    ],
  };
}

/** Settle waits for whoever has marked, and the mark for whoever settles. */
export async function settleWaits(world: World) {
  const [writer, asker] = [await world.open(world.primary), await world.open(world.primary)];
  const answers: Record<string, unknown> = {};
  for (const [number, end] of [
    [62, 'COMMIT'],
    [63, 'ROLLBACK'],
  ] as const) {
    await writer.tell('BEGIN', insert(`6-${end}`), mark(slotOf(number), 1));
    const asked = settle(asker, slotOf(number), 1);
    await world.untilWaiting(asker, 'row');
    const ended = await writer.tell(end);
    answers[end] = [ended, await asked, await count(asker, `6-${end}`)];
  }
  const fence = settleText(slotOf(64), 1).split('; ')[2]!;
  await asker.tell('BEGIN', fence);
  await writer.tell('BEGIN');
  const marked = writer.send(MARK, slotOf(64), 1);
  await world.untilWaiting(writer, 'row');
  const settled = await asker.tell('COMMIT');
  return { ...answers, settled, marked: (await marked).said, after: await writer.tell('COMMIT') };
}

/** In a transaction that has failed, and around it. */
export async function failedTransaction(world: World) {
  const session = await world.open(world.primary);
  const failed = await session.tell('BEGIN', insert('5'), RAISE, insert('5'), IDENTIFY, 'BEGIN');
  const script = `${(await session.script(markAndCommitText(slotOf(51), 1))).said} (${session.status})`;
  const committed = await session.tell('COMMIT');
  return {
    failed,
    script,
    committed,
    rolledBack: await session.tell('BEGIN', RAISE, 'ROLLBACK'),
    rows: await count(session, '5'),
    slot: await settle(session, slotOf(51), 1),
    outside: await session.tell('COMMIT', 'ROLLBACK'),
    inside: await session.tell('BEGIN', 'BEGIN', 'COMMIT'),
    notices: session.takeNotices(),
  };
}

/** Statements that are sent together: each by itself, and as a transaction. */
export async function flushes(world: World) {
  const session = await world.open(world.primary);
  const neighbours = await session.flush(insert('10-a'), RAISE, insert('10-b'));
  const opened = await session.flush({ text: 'BEGIN' }, insert('10-c'), RAISE, insert('10-d'), {
    text: 'COMMIT',
  });
  return {
    neighbours: neighbours.map(({ said }) => said),
    opened: opened.map(({ said }) => said),
    status: session.status,
    rows: await Promise.all(['10-a', '10-b', '10-c', '10-d'].map((key) => count(session, key))),
  };
}

/** A script is one transaction as far as nothing in it says otherwise. */
export async function scripts(world: World) {
  const session = await world.open(world.primary);
  const [open, fenced] = [slotOf(101), slotOf(102)];
  await settle(session, fenced, 1);
  session.takeNotices();
  const text = (slot: string, seq: number) => markAndCommitText(slot, seq).split(';')[0]!;
  const run = async (...parts: string[]) => {
    const { said } = await session.script(parts.join('; '));
    return [`${said} (${session.status})`, ...session.takeNotices()];
  };
  const marked = async (seq: number) => {
    const { rows } = await session.send(settleText(open, seq).split('; ')[2]!);
    return rows[0]?.['committed'];
  };
  const failing = await run(text(open, 1), text(fenced, 1));
  const failingMarked = await marked(1);
  const rolledBack = await run(text(open, 2), 'BEGIN', text(open, 3), 'ROLLBACK');
  const rolledBackMarked = await marked(3);
  const leftOpen = await run(text(open, 4), 'BEGIN');
  const leftOpenMarked = [await session.tell('ROLLBACK'), await marked(4)];
  const committedBetween = await run(text(open, 5), 'COMMIT', text(fenced, 1));
  const committedBetweenMarked = await marked(5);
  return {
    failing: [...failing, failingMarked],
    rolledBack: [...rolledBack, rolledBackMarked],
    leftOpen: [...leftOpen, ...leftOpenMarked],
    committedBetween: [...committedBetween, committedBetweenMarked],
  };
}

/** What the app's statements answer with, and what of it others see. */
export async function isolation(world: World) {
  const [writer, reader] = [await world.open(world.primary), await world.open(world.primary)];
  const update = { text: APP_TEXTS.count, values: ['a'] };
  const begun = await writer.tell('BEGIN', insert('14'), update, update);
  const returned = (await writer.send(APP_TEXTS.insertReturning, '14')).rows;
  const inside = [await count(writer, '14'), await count(reader, '14')];
  const waiting = reader.send(APP_TEXTS.count, 'a');
  await world.untilWaiting(reader, 'row');
  const committed = await writer.tell('COMMIT');
  return {
    begun,
    returned,
    inside,
    committed,
    waited: (await waiting).said,
    after: await count(reader, '14'),
  };
}

/** Whoever has waited longest looks for a deadlock first, and is the one that is rolled back. */
export async function deadlock(world: World) {
  const [one, other] = [await world.open(world.primary), await world.open(world.primary)];
  await one.tell('BEGIN', { text: APP_TEXTS.count, values: ['a'] });
  await other.tell('BEGIN', { text: APP_TEXTS.count, values: ['b'] });
  const first = one.send(APP_TEXTS.count, 'b');
  await world.untilWaiting(one, 'row');
  const second = other.send(APP_TEXTS.count, 'a');
  const said = [(await first).said, (await second).said];
  return { said, ends: [await one.tell('COMMIT'), await other.tell('COMMIT')] };
}
