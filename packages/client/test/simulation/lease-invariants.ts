/**
 * What leases promise (design.md 3.4, docs/decisions/0014-leases.md), judged by what the model knows:
 *
 *   8-session        nobody's statement runs in the transaction, the settings or with the locks of somebody else
 *   8-switched       a lease stays on the session that it began on
 *   8-lock           whoever was not told that its lock was lost had it all the time, and nobody else did
 *   8-notification   a listener hears each notification that is committed while it listens, or is told of a gap
 *   8-stream         a stream gives the rows of one snapshot, each once and in order; all of them, or an error
 */
import type { Notification } from '../../src/wire/wire.ts';
import type { ReachedSession } from './model/observer.ts';
import type { Command } from './model/statements.ts';
import type { ChannelMessage, WalRecord } from './model/wal.ts';
import type { LeaseObserver, Row } from './operation-observers.ts';
import type { Ended } from './outcomes.ts';
import type { OperationPlan } from './schedule.ts';
import { isLease } from './schedule.ts';
import type { SimTime } from './time.ts';

/** Who is told what is wrong. */
export interface LeaseJudge {
  violate(invariant: string, detail: string): void;
  occurred(name: string): void;
  note(actor: string, what: () => string): void;
}

interface Hold {
  readonly lock: string;
  readonly session: object;
  readonly from: number;
  to: number;
}

interface Holding {
  readonly plan: OperationPlan;
  readonly from: number;
  to: number;
  /** Whether it knows that the lock is lost. */
  isTold: boolean;
  /** Whether its caller was told that all went well. */
  kept: boolean;
}

interface Notified extends ChannelMessage {
  readonly record: WalRecord;
  readonly at: number;
}

interface Subscriber {
  readonly plan: OperationPlan;
  readonly subscription: { close(): Promise<void> };
  readonly from: number;
  /** When its end was asked for. */
  to: number;
  lastGap: number;
  readonly heard: Set<string>;
}

/** A session may be gone for so long before its client finds out, in milliseconds: nothing comes from there any more. */
const UNNOTICED_MS = 15_000;

export class LeaseInvariants implements LeaseObserver {
  readonly #time: SimTime;
  readonly #judge: LeaseJudge;
  readonly #planOf = new Map<string, OperationPlan>();
  /** Whose transaction a session is in. */
  readonly #transactions = new WeakMap<object, string>();
  /** The session of each lease, by its operation. */
  readonly #sessions = new Map<string, object>();
  readonly #holds: Hold[] = [];
  readonly #holdings = new Map<OperationPlan, Holding>();
  /** The rows of each cursor that was opened for a stream: an attempt may have been given up. */
  readonly #snapshots = new Map<string, (readonly object[])[]>();
  readonly #notified: Notified[] = [];
  readonly #subscribers = new Map<OperationPlan, Subscriber>();
  /** Subscriptions whose end was asked for and has not come. */
  ending = 0;

  constructor(time: SimTime, judge: LeaseJudge) {
    this.#time = time;
    this.#judge = judge;
  }

  begun(plan: OperationPlan): void {
    this.#planOf.set(plan.id, plan);
  }

  // Sessions -------------------------------------------------------------------------------------------------------

  /** An app's statement is about to run. */
  reached(command: Command, session: ReachedSession): void {
    const owner = ownerOf(command);
    const { belongings, status } = session;
    if (command.kind === 'begin') {
      if (status !== 'idle') this.#foreign('BEGIN', session, 'an open transaction');
      this.#transactions.delete(session);
    }
    if (owner === undefined) return;
    if (status !== 'idle') {
      const began = this.#transactions.get(session) ?? owner;
      this.#transactions.set(session, began);
      if (began !== owner) this.#foreign(owner, session, `the transaction of ${began}`);
    } else this.#transactions.delete(session);
    const { owner: setting, channels, holdsLocks, lockTimeoutMs } = belongings;
    if (setting !== undefined && setting !== owner)
      this.#foreign(owner, session, `the settings of ${setting}`);
    if (channels.size > 0) this.#foreign(owner, session, `the channels ${[...channels].join(', ')}`);
    if (lockTimeoutMs > 0) this.#foreign(owner, session, 'a lock_timeout that is not its own');
    if (holdsLocks && this.#planOf.get(owner)?.kind !== 'lock')
      this.#foreign(owner, session, 'advisory locks that are not its own');
    this.#followLease(owner, session);
  }

  #foreign(who: string, { name }: ReachedSession, what: string): void {
    this.#judge.violate('8-session', `a statement of ${who} runs on ${name} with ${what}`);
  }

  #followLease(owner: string, session: ReachedSession): void {
    const kind = this.#planOf.get(owner)?.kind;
    if (kind !== 'connection' && kind !== 'lock') return;
    const began = this.#sessions.get(owner) ?? session;
    this.#sessions.set(owner, began);
    if (began !== session) this.#judge.violate('8-switched', `${owner} goes on with ${session.name}`);
  }

  // Advisory locks -------------------------------------------------------------------------------------------------

  locked(session: object, lock: string): void {
    this.#holds.push({ lock, session, from: this.#time.now, to: Infinity });
  }

  unlocked(session: object, lock: string): void {
    for (const hold of this.#holds)
      if (hold.session === session && hold.lock === lock) hold.to = Math.min(hold.to, this.#time.now);
  }

  sessionEnded(session: object): void {
    for (const hold of this.#holds) if (hold.session === session) hold.to = Math.min(hold.to, this.#time.now);
  }

  holding(plan: OperationPlan, lost: AbortSignal): () => void {
    this.#judge.occurred('lock held');
    for (const other of this.#holdings.values())
      if (other.plan.lock === plan.lock) this.#judgeOther(other, plan);
    const holding: Holding = { plan, from: this.#time.now, to: Infinity, isTold: false, kept: false };
    this.#holdings.set(plan, holding);
    const told = () => {
      this.#judge.occurred('lock lost');
      holding.isTold = true;
    };
    lost.addEventListener('abort', told, { once: true });
    return () => (holding.to = this.#time.now);
  }

  /** Somebody else has the lock now: whoever had it before has ended or knows, or soon will. */
  #judgeOther(holding: Holding, plan: OperationPlan): void {
    if (holding.isTold || holding.to < Infinity) return;
    const lostAt = this.#holdOf(holding)?.to ?? -Infinity;
    // It still has it: on a server that was replaced, as everybody here knows who could get it elsewhere.
    if (lostAt < Infinity && this.#time.now - lostAt < UNNOTICED_MS) return;
    this.#judge.violate(
      '8-lock',
      `${plan.id} has the lock, and ${holding.plan.id} was not told that it has lost it`,
    );
  }

  #holdOf({ plan, from }: Holding): Hold | undefined {
    // The newest: a server that was cut off keeps those of whoever has left.
    return this.#holds.findLast(
      (hold) => hold.lock === String(plan.lock) && hold.from <= from && hold.to >= from,
    );
  }

  #judgeLock(plan: OperationPlan): void {
    const holding = this.#holdings.get(plan);
    if (holding === undefined) {
      this.#judge.violate('8-lock', `${plan.id} ended well, and its callback never ran`);
      return;
    }
    holding.kept = true;
    if ((this.#holdOf(holding)?.to ?? -Infinity) < holding.to)
      this.#judge.violate('8-lock', `${plan.id} was told nothing, but lost its lock while its callback ran`);
    for (const other of this.#holdings.values()) {
      const meets = other.from < holding.to && holding.from < other.to;
      if (other !== holding && other.kept && other.plan.lock === plan.lock && meets)
        this.#judge.violate('8-lock', `${plan.id} and ${other.plan.id} had the lock at the same time`);
    }
  }

  // Streams --------------------------------------------------------------------------------------------------------

  opened(reader: string, rows: readonly object[]): void {
    const snapshots = this.#snapshots.get(reader) ?? [];
    snapshots.push(rows);
    this.#snapshots.set(reader, snapshots);
  }

  streamed({ id }: OperationPlan, rows: readonly Row[], whole: boolean): void {
    if (whole) this.#judge.occurred('stream read to its end');
    else if (rows.length === 0) return;
    const isBeginningOf = (snapshot: readonly object[]) =>
      (whole ? rows.length === snapshot.length : rows.length <= snapshot.length) &&
      rows.every((row, index) => row === snapshot[index]);
    if ((this.#snapshots.get(id) ?? []).some(isBeginningOf)) return;
    this.#judge.violate(
      '8-stream',
      `the ${rows.length} rows that ${id} has read${whole ? ' to their end' : ''} are those of no snapshot`,
    );
  }

  late({ id, kind }: OperationPlan, what: string): void {
    this.#judge.violate('5-deadline', `${id} (${kind}): ${what}`);
  }

  // Notifications --------------------------------------------------------------------------------------------------

  notified({ channel, payload }: ChannelMessage, record: WalRecord): void {
    this.#judge.occurred('notification sent');
    this.#notified.push({ channel, payload, record, at: this.#time.now });
  }

  listening(plan: OperationPlan, subscription: { close(): Promise<void> }): void {
    const subscriber: Subscriber = {
      plan,
      subscription,
      from: this.#time.now,
      to: Infinity,
      lastGap: -Infinity,
      heard: new Set(),
    };
    this.#subscribers.set(plan, subscriber);
    if (plan.listenMs !== undefined)
      this.#time.afterForApp(plan.listenMs, () => this.#unsubscribe(subscriber));
  }

  #unsubscribe(subscriber: Subscriber): void {
    subscriber.to = this.#time.now;
    this.ending += 1;
    void subscriber.subscription.close().then(() => (this.ending -= 1));
  }

  heard(plan: OperationPlan, { channel, payload }: Notification): void {
    this.#judge.note(plan.id, () => `hears ${payload}`);
    this.#judge.occurred('notification heard');
    const subscriber = this.#subscribers.get(plan);
    if (channel !== plan.channel) this.#judge.violate('8-notification', `${plan.id} hears ${channel}`);
    if (subscriber === undefined) return;
    if (this.#time.now > subscriber.to)
      this.#judge.violate('8-notification', `${plan.id} hears ${payload} after its end`);
    subscriber.heard.add(payload);
  }

  deaf(plan: OperationPlan): void {
    this.#judge.note(plan.id, () => 'is told of a gap');
    this.#judge.occurred('notification gap');
    const subscriber = this.#subscribers.get(plan);
    if (subscriber !== undefined) subscriber.lastGap = this.#time.now;
  }

  /** The client is closed: nobody listens any more. */
  closed(): void {
    for (const subscriber of this.#subscribers.values())
      subscriber.to = Math.min(subscriber.to, this.#time.now);
  }

  /** Whether somebody listens who will soon end that. */
  get isListeningForAWhile(): boolean {
    const subscribers = [...this.#subscribers.values()];
    return subscribers.some(({ plan, to }) => plan.listenMs !== undefined && to === Infinity);
  }

  /** What is owed to those who listen still. @param log - in which a record must be to count as committed. */
  missed(log: readonly WalRecord[]): string[] {
    const missed: string[] = [];
    for (const { plan, from, to, heard, lastGap } of this.#subscribers.values()) {
      if (to < Infinity) continue;
      for (const { channel, payload, record, at } of this.#notified) {
        if (channel !== plan.channel || at <= from || at <= lastGap || heard.has(payload)) continue;
        if (log[record.lsn - 1] === record)
          missed.push(`${plan.id} (${channel}) has neither heard ${payload} nor been told of a gap`);
      }
    }
    return missed;
  }

  ended(plan: OperationPlan, ended: Ended): void {
    if (isLease(plan.kind) || plan.kind === 'copy') this.#judge.occurred(`${plan.kind} ${ended.kind}`);
    if (plan.kind === 'lock' && ended.kind === 'ok') this.#judgeLock(plan);
  }
}

/** The operation whose statement it is; undefined where it does not tell. */
function ownerOf(command: Command): string | undefined {
  if ('key' in command) return command.key.split('.')[0];
  if (command.kind === 'notify') return command.payload.split('.')[0];
  if (command.kind === 'own') return command.owner;
  return command.kind === 'stream' ? command.reader : undefined;
}
