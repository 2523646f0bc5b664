/** Sessions on either server: what they may, what they are told, and how they end. */
import {
  ASK_ACTIVE,
  ASK_REPLAYED,
  ASK_REPLAYED_AND_LINEAGE,
  ASK_STANDBY,
  BEGIN_READ_BY_READ,
  END_GHOST,
  POSITION_FLUSHED,
  POSITION_INSERTED,
  guardText,
  hygieneTexts,
  markAndCommitText,
  settleText,
} from '../../src/wire/sql.ts';
import { APP_TEXTS } from '../simulation/model/statements.ts';
import type { Session, World } from './scenario.ts';
import { insert, mark, RAISE, slotOf, count, settle, identify, positionOf } from './steps.ts';

/** What a standby does of all that is sent to a primary. */
export async function onStandby(world: World) {
  const [writer, session] = [await world.open(world.primary), await world.open(world.standby)];
  const written = await writer.tell(insert('7'));
  await world.until('the row is replayed', async () => (await count(session, '7')) === 1);
  const [primary, standby] = [await identify(writer), await identify(session)];
  return {
    written,
    insert: await session.tell(insert('7')),
    mark: await session.tell(mark(slotOf(71), 1)),
    settle: `${(await session.script(settleText(slotOf(71), 1))).said} (${session.status})`,
    after: await session.tell('ROLLBACK'),
    inTransaction: await session.tell('BEGIN', insert('7'), insert('7'), 'COMMIT'),
    identity: [standby.standby, standby.timeline, standby.has_commit_slots],
    sameSystem: standby.system_id === primary.system_id,
    sameServer: standby.server === primary.server,
    askStandby: [(await session.send(ASK_STANDBY)).rows, (await writer.send(ASK_STANDBY)).rows],
  };
}

/** What servers say of their positions: before and behind a write, and once the standby has replayed it. */
export async function positions(world: World) {
  const [primary, standby] = [await world.open(world.primary), await world.open(world.standby)];
  const { timeline } = await identify(primary);
  const before = await positionOf(primary, POSITION_INSERTED);
  const [written, , behind] = await primary.flush(
    insert('20'),
    { text: ASK_STANDBY },
    { text: POSITION_FLUSHED },
  );
  const flushed = BigInt(String(behind?.rows[0]?.['lsn']));
  const inserted = await positionOf(primary, POSITION_INSERTED);
  await world.untilWhole();
  const replayed = await positionOf(standby, ASK_REPLAYED);
  const withLineage = await positionOf(standby, ASK_REPLAYED_AND_LINEAGE);
  return {
    written: written?.said,
    rises: [before.lsn < flushed, flushed <= inserted.lsn],
    timelines: [before, { timeline: behind?.rows[0]?.['timeline'] }, inserted].map(
      (each) => each.timeline === timeline,
    ),
    holds: [replayed.lsn >= flushed, replayed.timeline, await count(standby, '20')],
    follows: [withLineage.lsn >= flushed, withLineage.timeline === timeline],
    // No standby, so it follows nobody.
    ofPrimary: (await positionOf(primary, ASK_REPLAYED_AND_LINEAGE)).timeline,
    ofStandby: [(await standby.send(POSITION_FLUSHED)).said, (await standby.send(POSITION_INSERTED)).said],
    readByRead: await primary.tell(BEGIN_READ_BY_READ, POSITION_INSERTED, insert('20'), 'COMMIT'),
  };
}

/** The guard on servers that it should let pass and on others; what follows it in its transaction. */
export async function guards(world: World) {
  const [primary, standby] = [await world.open(world.primary), await world.open(world.standby)];
  const { system_id: system, timeline } = await identify(primary);
  const guarded = async (session: Session, guard: string, key: string) => {
    const packet = [{ text: 'BEGIN' }, { text: guard }, insert(key), { text: 'COMMIT' }];
    return (await session.flush(...packet)).map(({ said }) => said).join(', ');
  };
  return {
    alone: (await primary.send(guardText(system, timeline!))).rows,
    right: await guarded(primary, guardText(system, timeline!), '11-right'),
    newerServer: await guarded(primary, guardText(system, timeline! - 1), '11-newer'),
    standby: await guarded(standby, guardText(system, timeline!), '11-standby'),
    standbyAnyTimeline: await guarded(standby, guardText(system, 0), '11-standby'),
    olderServer: await guarded(primary, guardText(system, timeline! + 1), '11-older'),
    otherSystem: await guarded(primary, guardText('1', timeline!), '11-other'),
    outside: await primary.tell(guardText(system, timeline! + 1), insert('11-outside')),
    rows: await Promise.all(
      ['11-right', '11-newer', '11-standby', '11-older', '11-other', '11-outside'].map((key) =>
        count(primary, key),
      ),
    ),
  };
}

/** Which sessions are told to be at work, and which can be ended as ghosts. */
export async function ghosts(world: World) {
  const [asker, ghost] = [await world.open(world.primary), await world.open(world.primary)];
  const holder = await world.open(world.primary);
  const { backend_start: start } = await identify(ghost);
  const pid = ghost.wire.processId;
  const isActive = async (session: Session) =>
    (await asker.send(ASK_ACTIVE, [session.wire.processId])).rows.length === 1;
  const end = async (backendStart: string) => (await asker.send(END_GHOST, pid, backendStart)).rows;
  const itself = await isActive(asker);
  const idle = [await isActive(ghost), await end(start)];
  await holder.tell('BEGIN', { text: APP_TEXTS.count, values: ['a'] });
  await ghost.tell('BEGIN', insert('12'));
  const waiting = ghost.send(APP_TEXTS.count, 'a');
  await world.untilWaiting(ghost, 'row');
  const active = [await isActive(ghost), await end(start)];
  await holder.tell('ROLLBACK');
  const waited = (await waiting).said;
  const idleInTransaction = [await isActive(ghost), await end(`${start} else`), ghost.lost];
  const ended = await end(start);
  await world.until('the ghost is gone', () => ghost.lost !== undefined);
  const gone = [await isActive(ghost), await end(start)];
  const { backend_start: holderStart } = await identify(holder);
  const failed = [await holder.tell('BEGIN', RAISE), await isActive(holder)];
  const failedEnded = (await asker.send(END_GHOST, holder.wire.processId, holderStart)).rows;
  return {
    itself,
    idle,
    active,
    waited,
    idleInTransaction,
    ended,
    lost: ghost.lost,
    afterwards: (await ghost.send(APP_TEXTS.read, '12')).said,
    gone,
    failed: [...failed, failedEnded],
    rows: await count(asker, '12'),
  };
}

/** What an operator or a timeout ends. */
export async function endedSessions(world: World) {
  const holder = await world.open(world.primary);
  const [idle, open, waiting, forgotten] = [
    await world.open(world.primary),
    await world.open(world.primary),
    await world.open(world.primary),
    await world.open(world.primary),
  ];
  const update = { text: APP_TEXTS.count, values: ['b'] };
  await holder.tell('BEGIN', update);
  await open.tell('BEGIN', insert('15'));
  const waited = waiting.send(update.text, 'b');
  await world.untilWaiting(waiting, 'row');
  for (const session of [idle, open, waiting]) await world.terminate(session);
  const hygiene = await forgotten.tell(...hygieneTexts(1_000), 'BEGIN', insert('15'));
  const sessions = [idle, open, waiting, forgotten];
  await world.until('all have heard', () => sessions.every(({ lost }) => lost !== undefined));
  const released = await holder.tell('COMMIT', update);
  return {
    waited: (await waited).said,
    hygiene,
    lost: sessions.map(({ lost }) => lost),
    notices: sessions.flatMap((session) => session.takeNotices()),
    released,
    rows: await count(holder, '15'),
  };
}

/** What becomes of a statement whose client has left: while it waits, and before the server has read it. */
export async function leftAlone(world: World) {
  const [holder, asker] = [await world.open(world.primary), await world.open(world.primary)];
  const settled: Record<string, unknown> = {};
  for (const [number, hygiene] of [
    [161, []],
    [162, hygieneTexts(0)],
  ] as const) {
    const slot = slotOf(number);
    const writer = await world.open(world.primary);
    for (const text of hygiene) await writer.send(text);
    await holder.tell('BEGIN', mark(slot, 1));
    const committed = writer.script(markAndCommitText(slot, 2));
    await world.untilWaiting(writer, 'row');
    writer.wire.destroy(new Error('the client leaves'));
    if (hygiene.length > 0) await world.untilEnded(writer);
    await holder.tell('ROLLBACK');
    const said = (await committed).said;
    await world.untilEnded(writer);
    settled[hygiene.length > 0 ? 'checked' : 'unchecked'] = [said, await settle(asker, slot, 2)];
  }
  const frozen = await world.open(world.primary);
  await frozen.tell('BEGIN', insert('16'), mark(slotOf(163), 1));
  await world.freeze(frozen);
  const committed = frozen.send('COMMIT');
  frozen.wire.destroy(new Error('the client leaves'));
  const { said } = await committed;
  await world.thaw(frozen);
  await world.untilEnded(frozen);
  return { ...settled, frozen: [said, await settle(asker, slotOf(163), 1), await count(asker, '16')] };
}

/** How a wire is closed while something on it is unanswered, and what becomes of what comes after. */
export async function closedWires(world: World) {
  const holder = await world.open(world.primary);
  await holder.tell('BEGIN', { text: APP_TEXTS.count, values: ['a'] });
  const answers: Record<string, unknown> = {};
  for (const how of ['finish', 'end', 'destroy'] as const) {
    const session = await world.open(world.primary);
    const { wire } = session;
    let gone = 0;
    wire.onGone(() => (gone += 1));
    const waiting = session.send(APP_TEXTS.count, 'a');
    await world.untilWaiting(session, 'row');
    const before = wire.unanswered;
    const reason = new Error('enough');
    const closed = how === 'end' ? wire.end() : wire[how](reason);
    const after = (await session.send(APP_TEXTS.read, '17')).said;
    await holder.tell('COMMIT', 'BEGIN', { text: APP_TEXTS.count, values: ['b'] });
    answers[how] = [before, after, (await waiting).said, wire.unanswered, gone];
    await closed;
    await world.untilEnded(session);
    await holder.tell('COMMIT', 'BEGIN', { text: APP_TEXTS.count, values: ['a'] });
  }
  await holder.tell('COMMIT');
  const idle = await world.open(world.primary);
  await idle.wire.end();
  await idle.wire.end();
  await world.untilEnded(idle);
  return { ...answers, idle: [idle.lost, (await idle.send(APP_TEXTS.read, '17')).said] };
}
