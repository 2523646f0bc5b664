/** Crashes, promotions, and commits that wait for their standby. Each scenario leaves the cluster whole. */
import {
  ASK_ACTIVE,
  ASK_REPLAYED_AND_LINEAGE,
  END_GHOST,
  POSITION_FLUSHED,
  markAndCommitText,
} from '../../src/wire/sql.ts';
import { APP_TEXTS } from '../simulation/model/statements.ts';
import type { World } from './scenario.ts';
import { count, identify, insert, mark, positionOf, settle, slotOf } from './steps.ts';

/** A commit whose session is ended while it waits for its standby; settled on the same server. */
export async function terminatedWait(world: World) {
  await world.untilWhole();
  const [writer, reader, asker] = [
    await world.open(world.primary),
    await world.open(world.primary),
    await world.open(world.primary),
  ];
  const { backend_start: backendStart } = await identify(writer);
  await world.cutReplication();
  await writer.tell('BEGIN', insert('3'));
  const committed = writer.script(markAndCommitText(slotOf(31), 1));
  await world.untilWaiting(writer, 'standby');
  const before = await count(reader, '3');
  let isSettled = false;
  const settled = settle(asker, slotOf(31), 1).finally(() => (isSettled = true));
  // The commit holds its rows for as long as it waits.
  await world.untilWaiting(asker, 'row');
  const isActive = (await reader.send(ASK_ACTIVE, [writer.wire.processId])).rows.length === 1;
  const ghost = (await reader.send(END_GHOST, writer.wire.processId, backendStart)).rows;
  await world.terminate(writer);
  const { said } = await committed;
  await world.until('the row is there', async () => (await count(reader, '3')) === 1);
  await world.untilWaiting(asker, 'standby');
  const answeredBefore = isSettled;
  await world.restoreReplication();
  const answer = await settled;
  const standby = await world.open(world.standby);
  await world.until('the standby has it', async () => (await count(standby, '3')) === 1);
  await world.untilWhole();
  return {
    isActive,
    ghost,
    before,
    said,
    notices: writer.takeNotices(),
    lost: writer.lost,
    answeredBefore,
    answer,
  };
}

/** A commit whose wait for its standby is cancelled. */
export async function cancelledWait(world: World) {
  await world.untilWhole();
  const [session, reader] = [await world.open(world.primary), await world.open(world.primary)];
  await world.cutReplication();
  const inserted = session.send(APP_TEXTS.insert, '4-single');
  await world.untilWaiting(session, 'standby');
  await world.cancel(session);
  const single = [(await inserted).said, session.status, session.takeNotices()];
  await session.tell('BEGIN', insert('4-script'));
  const committed = session.script(markAndCommitText(slotOf(41), 1));
  await world.untilWaiting(session, 'standby');
  const before = await count(reader, '4-script');
  await world.cancel(session);
  const script = [(await committed).said, session.status, session.takeNotices()];
  const rows = [before, await count(reader, '4-script')];
  await world.restoreReplication();
  const settled = await settle(session, slotOf(41), 1);
  await world.untilWhole();
  return { single, script, rows, settled, notices: session.takeNotices() };
}

/** A standby is promoted under its open sessions. */
export async function promotionUnderSession(world: World) {
  await world.untilWhole();
  const [writer, session, reader] = [
    await world.open(world.primary),
    await world.open(world.standby),
    await world.open(world.standby),
  ];
  await writer.tell(insert('8'));
  await world.until('the row is replayed', async () => (await count(session, '8')) === 1);
  const refused = await session.tell(insert('8'));
  const openRead = await reader.tell('BEGIN', { text: APP_TEXTS.read, values: ['8'] });
  await world.failOver();
  const fresh = await world.open(world.primary);
  await world.until('it is primary', async () => !(await identify(fresh)).standby);
  const reportsBefore = [...session.standbyReports];
  const read = await count(session, '8');
  const reportsAfter = [...session.standbyReports];
  const continued = [await count(reader, '8'), [...reader.standbyReports], reader.status];
  const timelines = (await identify(session)).timeline! - (await identify(fresh)).timeline!;
  const inOldTransaction = await reader.tell(insert('8-old-transaction'), 'COMMIT');
  await world.untilWhole();
  const written = await session.tell(insert('8-after'));
  return {
    refused,
    openRead,
    reportsBefore,
    read,
    reportsAfter,
    continued,
    timelines,
    inOldTransaction,
    written,
    lost: session.lost,
    freshReports: fresh.standbyReports,
  };
}

/** What a server says of itself that is promoted under a session, and goes on writing. */
export async function positionsOfPromoted(world: World) {
  await world.untilWhole();
  const session = await world.open(world.standby);
  const before = await positionOf(session, ASK_REPLAYED_AND_LINEAGE);
  await world.failOver();
  await world.until('it is primary', async () => !(await identify(session)).standby);
  const promoted = await positionOf(session, ASK_REPLAYED_AND_LINEAGE);
  await world.untilWhole();
  await session.tell(insert('21'), insert('21'));
  const after = await positionOf(session, ASK_REPLAYED_AND_LINEAGE);
  const own = await positionOf(session, POSITION_FLUSHED);
  const follower = await world.open(world.standby);
  await world.untilWhole();
  const followed = await positionOf(follower, ASK_REPLAYED_AND_LINEAGE);
  return {
    timelines: [promoted.timeline, after.timeline, Number(own.timeline) - Number(before.timeline)],
    frozen: [promoted.lsn >= before.lsn, after.lsn === promoted.lsn, own.lsn > after.lsn],
    followed: [followed.timeline === own.timeline, followed.lsn >= own.lsn],
  };
}

/** A COMMIT is lost with its server; the standby, which has not received it, is promoted. */
export async function promotion(world: World) {
  await world.untilWhole();
  const writer = await world.open(world.primary);
  const before = await identify(writer);
  const acknowledged = await writer.tell('BEGIN', insert('2-kept'), mark(slotOf(21), 1), 'COMMIT');
  await world.cutReplication();
  await writer.tell('BEGIN', insert('2-lost'));
  const committed = writer.script(markAndCommitText(slotOf(22), 1));
  await world.untilWaiting(writer, 'standby');
  await world.failOver();
  const session = await world.open(world.primary);
  await world.until('it is primary', async () => !(await identify(session)).standby);
  const after = await identify(session);
  const rows = [await count(session, '2-kept'), await count(session, '2-lost')];
  const settled = [await settle(session, slotOf(21), 1), await settle(session, slotOf(22), 1)];
  const again = await session.tell('BEGIN', mark(slotOf(22), 1), 'COMMIT');
  await world.untilWhole();
  const old = await world.open(world.standby);
  return {
    acknowledged,
    lost: (await committed).said,
    timelines: after.timeline! - before.timeline!,
    sameSystem: after.system_id === before.system_id,
    sameServer: after.server === before.server,
    rows,
    settled,
    again,
    oldPrimary: [(await identify(old)).standby, await count(old, '2-kept'), await count(old, '2-lost')],
  };
}

/** The server crashes and recovers on its timeline. */
export async function crashInPlace(world: World) {
  await world.untilWhole();
  const [writer, open] = [await world.open(world.primary), await world.open(world.primary)];
  const before = await identify(writer);
  const acknowledged = await writer.tell('BEGIN', insert('1-kept'), mark(slotOf(11), 1), 'COMMIT');
  await open.tell('BEGIN', insert('1-open'), mark(slotOf(12), 1));
  await writer.tell('BEGIN', insert('1-unflushed'), mark(slotOf(13), 1));
  await world.crashBeforeFlush(writer);
  const session = await world.open(world.primary);
  const after = await identify(session);
  const keys = ['1-kept', '1-open', '1-unflushed'];
  const rows = await Promise.all(keys.map((key) => count(session, key)));
  const settled = [];
  for (const number of [11, 12, 13]) settled.push(await settle(session, slotOf(number), 1));
  const again = await session.tell('BEGIN', mark(slotOf(13), 1), 'COMMIT');
  await world.untilWhole();
  return {
    acknowledged,
    lost: [writer.lost, open.lost],
    notices: open.takeNotices(),
    timelines: after.timeline! - before.timeline!,
    sameServer: after.server === before.server,
    rows,
    settled,
    again,
  };
}

/** A commit that waited for its standby is on disk: the crash does not undo it. */
export async function crashOfWait(world: World) {
  await world.untilWhole();
  const writer = await world.open(world.primary);
  await world.cutReplication();
  await writer.tell('BEGIN', insert('1-waiting'));
  const committed = writer.script(markAndCommitText(slotOf(14), 1));
  await world.untilWaiting(writer, 'standby');
  await world.crash();
  const session = await world.open(world.primary);
  const row = await count(session, '1-waiting');
  await world.restoreReplication();
  const settled = await settle(session, slotOf(14), 1);
  await world.untilWhole();
  return { said: (await committed).said, row, settled };
}

/** What sessions that do nothing are told of a shutdown and of a crash. */
export async function shutdownNotices(world: World) {
  await world.untilWhole();
  const stopped = await world.open(world.primary);
  const inTransaction = await world.open(world.primary);
  await inTransaction.tell('BEGIN', insert('13'));
  await world.restart();
  await world.until('both have heard', () => stopped.lost !== undefined && inTransaction.lost !== undefined);
  const fast = [stopped.lost, stopped.takeNotices(), inTransaction.lost];
  const crashed = await world.open(world.primary);
  const rows = await count(crashed, '13');
  await world.crash();
  await world.until('it has heard', () => crashed.lost !== undefined);
  await world.untilWhole();
  return {
    fast,
    rows,
    crash: [crashed.lost, crashed.takeNotices()],
    afterwards: (await crashed.send(APP_TEXTS.read, '13')).said,
  };
}

/** A shutdown while a commit waits for its standby. */
export async function shutdownOfWait(world: World) {
  await world.untilWhole();
  const writer = await world.open(world.primary);
  const idle = await world.open(world.primary);
  await world.cutReplication();
  await writer.tell('BEGIN', insert('13-waiting'));
  const committed = writer.script(markAndCommitText(slotOf(131), 1));
  await world.untilWaiting(writer, 'standby');
  const lostAt: number[] = [];
  for (const { wire } of [writer, idle]) wire.onGone(() => lostAt.push(world.now()));
  await world.restart();
  const { said } = await committed;
  const together = lostAt.length === 2 && Math.abs(lostAt[0]! - lostAt[1]!) < 1_000;
  const session = await world.open(world.primary);
  const row = await count(session, '13-waiting');
  await world.restoreReplication();
  const settled = await settle(session, slotOf(131), 1);
  await world.untilWhole();
  return { said, notices: writer.takeNotices(), idle: idle.lost, together, row, settled };
}

/** The primary is ahead of its standby when it is lost. For asynchronous replication. */
export async function divergedPrimary(world: World) {
  await world.untilWhole();
  const [oldName, writer] = [world.primary, await world.open(world.primary)];
  await writer.tell(insert('9-kept'));
  await world.untilWhole();
  await world.cutReplication();
  const extra = await writer.tell(insert('9-extra'), insert('9-extra'), insert('9-extra'));
  const oldPosition = await world.position(oldName);
  const ahead = oldPosition > (await world.position(world.standby));
  await world.failOver();
  const session = await world.open(world.primary);
  await world.until('it is primary', async () => !(await identify(session)).standby);
  while ((await world.position(world.primary)) <= oldPosition) await session.tell(insert('9-new'));
  const beyond = [(await world.position(world.primary)) > oldPosition, await count(session, '9-extra')];
  await world.untilWhole();
  const old = await world.open(oldName);
  const { standby } = await identify(old);
  return {
    extra,
    ahead,
    beyond,
    oldPrimary: [standby, await count(old, '9-kept'), await count(old, '9-extra')],
    written: await old.tell(insert('9-old')),
  };
}
