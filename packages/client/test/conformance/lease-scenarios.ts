/** What belongs to a session: notifications, advisory locks, cursors, signs of life. */
import {
  ASK_STANDBY,
  HEARTBEAT,
  LOCK,
  RESET_LOCK_TIMEOUT,
  TRY_LOCK,
  UNLOCK,
  listenText,
  lockTimeoutText,
  unlistenText,
} from '../../src/wire/sql.ts';
import type { Statement } from '../../src/wire/wire.ts';
import { APP_TEXTS } from '../simulation/model/statements.ts';
import type { Session, World } from './scenario.ts';
import { RAISE, insert } from './steps.ts';

const CHANNEL = 'Stunden';

function notify(payload: string): Statement {
  return { text: APP_TEXTS.notify, values: [CHANNEL, payload] };
}

/** When they are delivered, and to whom. */
export async function notifications(world: World) {
  const [listener, writer] = [await world.open(world.primary), await world.open(world.primary)];
  const heard = (count: number) => world.until('it is heard', () => listener.heard.length >= count);
  const listening = await listener.tell(listenText(CHANNEL));
  const sent = await writer.tell('BEGIN', notify('rolled back'), 'ROLLBACK', notify('alone'));
  await heard(1);
  const open = await writer.tell('BEGIN', notify('committed'));
  const before = [...listener.heard];
  await writer.tell('COMMIT');
  await heard(2);
  // Until its transaction is over it is told nothing.
  await listener.tell('BEGIN');
  await writer.tell(notify('kept back'));
  await listener.tell(insert('80'));
  const inTransaction = listener.heard.length;
  await listener.tell('COMMIT');
  await heard(3);
  const silent = await listener.tell(unlistenText(CHANNEL));
  await writer.tell(notify('unheard'));
  await listener.tell(ASK_STANDBY);
  const standby = await world.open(world.standby);
  return {
    listening,
    sent,
    open,
    before,
    inTransaction,
    silent,
    heard: listener.heard,
    onStandby: await standby.tell(listenText(CHANNEL), notify('x')),
  };
}

/** Who has them, for how long, and what becomes of them with their session. */
export async function advisoryLocks(world: World) {
  const [holder, other] = [await world.open(world.primary), await world.open(world.primary)];
  const standby = await world.open(world.standby);
  const ask = async (session: Session, text: string) =>
    Object.values((await session.send(text, 81)).rows[0]!)[0];
  const taken = [await ask(holder, TRY_LOCK), await ask(other, TRY_LOCK), await ask(standby, TRY_LOCK)];
  const waited = await other.tell(lockTimeoutText(50), { text: LOCK, values: [81] }, RESET_LOCK_TIMEOUT);
  await holder.tell('BEGIN', insert('81'), 'ROLLBACK');
  const afterRollback = await ask(other, TRY_LOCK);
  const foreign = await ask(other, UNLOCK);
  const waiting = other.send(LOCK, 81);
  await world.untilWaiting(other, 'lock');
  await world.terminate(holder);
  const inherited = [(await waiting).said, await ask(other, UNLOCK), await ask(other, UNLOCK)];
  await ask(other, TRY_LOCK);
  await world.crash();
  const afterCrash = await ask(await world.open(world.primary), TRY_LOCK);
  return { taken, waited, afterRollback, foreign, inherited, afterCrash };
}

/** The rows of one moment, in portions; what the connection says of itself meanwhile. */
export async function cursors(world: World) {
  const [reader, writer] = [await world.open(world.primary), await world.open(world.primary)];
  await writer.tell(insert('82-a'), insert('82-b'), insert('82-c'));
  const total = (await writer.send(APP_TEXTS.scan)).rows.length;
  const cursor = reader.wire.cursor({ text: APP_TEXTS.stream, values: ['reader'] });
  const keys = (await cursor.read(2)).map(({ key }) => key as string);
  const between = reader.status;
  await writer.tell(insert('82-d'));
  let portion;
  do {
    portion = await cursor.read(2);
    keys.push(...portion.map(({ key }) => key as string));
  } while (portion.length === 2);
  const left = reader.wire.cursor({ text: APP_TEXTS.stream, values: ['reader'] });
  await left.read(1);
  await left.close();
  return {
    between,
    all: keys.length === total,
    seen: keys.filter((key) => key.startsWith('82-')).toSorted(),
    after: await reader.tell(ASK_STANDBY),
  };
}

/** The answers to an empty statement in each state of a transaction. */
export async function heartbeats(world: World) {
  const session = await world.open(world.primary);
  return [
    await session.tell(HEARTBEAT),
    await session.tell('BEGIN', HEARTBEAT, RAISE, HEARTBEAT, 'ROLLBACK'),
  ];
}
