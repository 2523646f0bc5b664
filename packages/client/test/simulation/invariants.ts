/**
 * The invariants of design.md 3.9, judged by what the model knows: what servers hold, what was sent and told, and when.
 * What the client says is only ever compared with that.
 */
import type { EndpointKind } from './endpoints.ts';
import { ENDPOINT_KINDS, roleBehind } from './endpoints.ts';
import { LeaseInvariants } from './lease-invariants.ts';
import type { ModelObserver, ReachedServer, ReachedSession } from './model/observer.ts';
import type { Server } from './model/server.ts';
import { isExempt, isQuestion, keyWritten, nameOf, parse, parseScript } from './model/statements.ts';
import type { Command } from './model/statements.ts';
import type { ChannelMessage, WalRecord } from './model/wal.ts';
import type { Ended } from './outcomes.ts';
import { keysOf } from './operations.ts';
import type { Request, SentFrom, SqlError } from './protocol.ts';
import type { OperationPlan, Schedule } from './schedule.ts';
import { isLease } from './schedule.ts';
import type { SimWire, Told, WireObserver } from './sim-wire.ts';
import type { SimTime } from './time.ts';

export interface Violation {
  /** Stable: what shrinking compares. */
  readonly invariant: string;
  readonly detail: string;
}

/** Bounds that are the client's to choose. */
export interface Limits {
  /** Connects to one endpoint that were begun within 250 ms: two by the lane, and those of probes. Hedges come later. */
  readonly connecting: number;
  /** How late an answer may be after the deadline, in milliseconds. */
  readonly lateMs: number;
  /**
   * Sendings of one operation's statement beyond its second, for the whole client: at most `floor` and `ratio` for
   * each success and `perSecond` for each second.
   */
  readonly budget: { readonly floor: number; readonly ratio: number; readonly perSecond: number };
}

/** A little less than the time after which another attempt may be begun beside one that hangs: sums of moments are not exact. */
const HEDGE_MS = 249;

export const LIMITS: Limits = {
  connecting: 4,
  lateMs: 100,
  budget: { floor: 101, ratio: 0.1, perSecond: 10 },
};

interface Sending {
  /** `open`: on its way; `refused`: the server said no, so it is proven not executed. */
  state: 'open' | 'refused' | 'done';
}

export interface HistoryLine {
  readonly at: number;
  readonly actor: string;
  readonly what: string;
}

/** Watches one simulation. */
export class Invariants implements WireObserver, ModelObserver {
  readonly #time: SimTime;
  readonly #schedule: Schedule;
  readonly #limits: Limits;
  readonly #history: HistoryLine[] | undefined;
  readonly violations: Violation[] = [];
  readonly counts = new Map<string, number>();
  #toldTimeline = 0;
  readonly #open: Readonly<Record<EndpointKind, Set<SimWire>>>;
  readonly #connecting: Readonly<Record<EndpointKind, Set<SimWire>>>;
  /** Plain effectful statements outside any transaction, by the key they write. */
  readonly #sendings = new Map<string, Sending[]>();
  readonly #timesSent = new Map<string, number>();
  /** Keys that were on the disk of some primary. */
  readonly #everDurable = new Set<string>();
  readonly #plainKeys: ReadonlySet<string>;
  readonly leases: LeaseInvariants;
  connects = 0;

  constructor(time: SimTime, schedule: Schedule, limits: Limits, history: HistoryLine[] | undefined) {
    this.#time = time;
    this.#schedule = schedule;
    this.#limits = limits;
    this.#history = history;
    this.#open = perEndpoint();
    this.#connecting = perEndpoint();
    const plain = schedule.operations.filter(({ kind }) => PLAIN.has(kind));
    this.#plainKeys = new Set(plain.map(({ id }) => id));
    this.leases = new LeaseInvariants(time, this);
  }

  get toldTimeline(): number {
    return this.#toldTimeline;
  }

  note(actor: string, what: () => string): void {
    this.#history?.push({ at: this.#time.now, actor, what: what() });
  }

  occurred(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  violate(invariant: string, detail: string): void {
    this.note('VIOLATION', () => `${invariant}: ${detail}`);
    this.violations.push({ invariant, detail });
  }

  // Connections ----------------------------------------------------------------------------------------------------

  opening(wire: SimWire): void {
    this.connects += 1;
    this.note(wire.name, () => 'connects');
    const open = this.#open[wire.endpoint];
    const connecting = this.#connecting[wire.endpoint];
    open.add(wire);
    connecting.add(wire);
    const { maxConnections } = this.#schedule.config.client;
    if (open.size > maxConnections) {
      this.violate(
        '6-connections',
        `${open.size} sockets to ${wire.endpoint}, 'maxConnections' is ${maxConnections}`,
      );
    }
    const young = [...connecting].filter(({ openedAt }) => this.#time.now - openedAt < HEDGE_MS).length;
    if (young > this.#limits.connecting) {
      this.violate('6-connecting', `${young} connects to ${wire.endpoint} within ${HEDGE_MS} ms`);
    }
  }

  identified(wire: SimWire, told: Told): void {
    this.#connecting[wire.endpoint].delete(wire);
    this.note(
      wire.name,
      () => `is told: ${told.standby ? 'standby' : `primary on timeline ${told.timeline}`}`,
    );
    this.#toldTimeline = Math.max(this.#toldTimeline, told.timeline ?? 0);
  }

  gone(wire: SimWire): void {
    this.#open[wire.endpoint].delete(wire);
    this.#connecting[wire.endpoint].delete(wire);
  }

  get openWires(): number {
    return ENDPOINT_KINDS.reduce((sum, kind) => sum + this.#open[kind].size, 0);
  }

  // Statements -----------------------------------------------------------------------------------------------------

  sent(wire: SimWire, requests: readonly Request[]): void {
    const commands = requests.flatMap(commandsOf);
    this.note(wire.name, () => `sends ${commands.map(nameOf).join('; ')}`);
    const judged = commands.find((command) => !isExempt(command));
    if (judged !== undefined) this.#judgeRecipient(wire, judged);
    // The client's own questions beside it make no transaction of it.
    const told = requests.filter((request) => !commandsOf(request).every(isQuestion));
    const alone = told.length === 1 && wire.transactionStatus === 'idle';
    for (const command of commands) {
      const key = keyWritten(command);
      if (key === undefined) continue;
      this.#timesSent.set(key, (this.#timesSent.get(key) ?? 0) + 1);
      if (alone && this.#plainKeys.has(key)) this.#judgeRepetition(key);
    }
  }

  /** 3: by what this connection and the client have been told. Behind a pooler the guard is the judge. */
  #judgeRecipient(wire: SimWire, command: Command): void {
    const { endpoint, told } = wire;
    if (endpoint === 'masterPooler' || endpoint === 'replicaPooler') return;
    if (told === undefined) {
      this.violate('3-unasked', `${nameOf(command)} on ${wire.name}, whose server was not asked who it is`);
    } else if (told.standby !== (roleBehind(endpoint) === 'standby')) {
      this.violate(
        '3-role',
        `${nameOf(command)} on ${wire.name}, which leads to a ${told.standby ? 'standby' : 'primary'}`,
      );
    } else if (told.timeline !== null && told.timeline < this.#toldTimeline) {
      this.violate(
        '3-timeline',
        `${nameOf(command)} on ${wire.name}, timeline ${told.timeline}, though ${this.#toldTimeline} was told`,
      );
    }
  }

  /** 2: by what was sent and answered. */
  #judgeRepetition(key: string): void {
    const sendings = this.#sendings.get(key) ?? [];
    this.#sendings.set(key, sendings);
    if (sendings.some(({ state }) => state !== 'refused')) {
      this.violate('2-sent-twice', `${key} was sent again though nothing proves that it was not executed`);
    }
    sendings.push({ state: 'open' });
  }

  answered(_wire: SimWire, request: Request, error: SqlError | undefined): void {
    for (const command of commandsOf(request)) {
      const sending = this.#sendings.get(keyWritten(command) ?? '')?.at(-1);
      if (sending !== undefined) sending.state = error === undefined ? 'done' : 'refused';
    }
  }

  /** 3: by what the server is. */
  reached(server: ReachedServer, command: Command, from: SentFrom, session: ReachedSession): void {
    this.leases.reached(command, session);
    if (command.kind === 'stream') this.occurred(`stream on ${from.endpoint}`);
    if (command.kind === 'scan') this.occurred(`scan on ${from.endpoint}`);
    if (from.endpoint === 'master' && server.role !== 'primary') {
      this.violate('3-role', `${nameOf(command)} reached ${server.name}, a standby, by the master's address`);
    }
    const viaPooler = from.endpoint === 'masterPooler';
    const writes = keyWritten(command) !== undefined || command.kind === 'settle' || command.kind === 'mark';
    if (viaPooler && writes && server.role === 'primary' && server.timeline < from.toldTimeline) {
      this.violate(
        '3-timeline',
        `${nameOf(command)} reached ${server.name} on timeline ${server.timeline} by the pooler`,
      );
    }
  }

  durable(record: WalRecord): void {
    for (const change of record.changes) if ('key' in change) this.#everDurable.add(change.key);
  }

  locked(session: object, lock: string): void {
    this.leases.locked(session, lock);
  }

  unlocked(session: object, lock: string): void {
    this.leases.unlocked(session, lock);
  }

  sessionEnded(session: object): void {
    this.leases.sessionEnded(session);
  }

  opened(reader: string, rows: readonly object[]): void {
    this.leases.opened(reader, rows);
  }

  notified(message: ChannelMessage, record: WalRecord): void {
    this.leases.notified(message, record);
  }

  // Operations -----------------------------------------------------------------------------------------------------

  ended(plan: OperationPlan, startedAt: number, ended: Ended): void {
    this.note(
      plan.id,
      () =>
        `${plan.kind} ends: ${ended.kind}${ended.error === undefined ? '' : `, ${messageOf(ended.error)}`}`,
    );
    if (ended.kind === 'untyped') {
      this.violate('5-untyped', `${plan.id} (${plan.kind}) ended with ${messageOf(ended.error)}`);
    }
    if (ended.wrong !== undefined)
      this.violate('5-wrong-answer', `${plan.id} (${plan.kind}): ${ended.wrong}`);
    this.leases.ended(plan, ended);
    const limit = longest(plan) + this.#limits.lateMs;
    const tookMs = ended.at - startedAt;
    if (tookMs > limit) {
      this.violate(
        '5-deadline',
        `${plan.id} (${plan.kind}) took ${Math.round(tookMs)} ms, its limit was ${limit}`,
      );
    }
  }

  /**
   * 6: those who settle an earlier attempt go before everybody and are never turned away; those for whom there is
   * room do not wait long.
   */
  waiting(waiting: number, pending: Iterable<OperationPlan>): void {
    const { maxWaiting, maxConnections } = this.#schedule.config.client;
    let [settling, lines] = [0, 1];
    for (const { kind } of pending) {
      if (kind.startsWith('once') || kind === 'transaction' || kind === 'copy') settling += 1;
      // Those who want a session wait in a line of their own.
      if (isLease(kind)) lines = 2;
    }
    if (waiting > lines * (maxWaiting + maxConnections) + settling) {
      this.violate('6-waiting', `${waiting} callers wait, 'maxWaiting' is ${maxWaiting}`);
    }
  }

  /** 1 and 2: compares what callers were told with what the primary holds in the end. */
  judgeEffects(results: Iterable<readonly [OperationPlan, Ended]>, primary: Server): void {
    for (const [plan, ended] of results) {
      for (const key of keysOf(plan)) this.#judgeKey(plan, ended, key, primary.data.ledger.get(key) ?? 0);
    }
    this.#judgeBudget(results);
  }

  #judgeKey(plan: OperationPlan, ended: Ended, key: string, times: number): void {
    const kind = ended.keys === undefined ? ended.kind : (ended.keys.get(key) ?? 'not-executed');
    if (ended.keys !== undefined && (this.#timesSent.get(key) ?? 0) > 1)
      this.violate('2-sent-twice', `${key} (${plan.kind}) was sent again: nothing is repeated on a lease`);
    const name = `${key} (${plan.kind}, ${kind})`;
    if (times > 1) this.violate('2-twice', `${name} is there ${times} times`);
    if (kind === 'ok' || kind === 'result-lost') {
      if (times > 0) return;
      // Asynchronous replication: what a server has committed may be lost with it.
      const mayBeLost = !this.#schedule.config.cluster.synchronous && this.#everDurable.has(key);
      if (!mayBeLost) this.violate('1-lost', `${name} was acknowledged and is not there`);
    } else if (times > 0 && kind !== 'unknown' && kind !== 'unconfirmed') {
      this.violate('2-ghost', `${name} is there although its caller was told that it did not happen`);
    }
  }

  #judgeBudget(results: Iterable<readonly [OperationPlan, Ended]>): void {
    const { budget } = this.#limits;
    const successes = [...results].filter(([, { kind }]) => kind === 'ok').length;
    let repeated = 0;
    for (const times of this.#timesSent.values()) repeated += Math.max(0, times - 2);
    const allowed = budget.floor + budget.ratio * successes + (budget.perSecond * this.#time.now) / 1_000;
    if (repeated > allowed) this.violate('2-budget', `${repeated} repetitions, ${allowed} were allowed`);
  }
}

const PLAIN: ReadonlySet<string> = new Set(['write', 'write-returning', 'query-write', 'visit']);

/** How long it may take, in milliseconds: a connection may be held for as long as its callback likes. */
function longest({ kind, deadlineMs, abortAfterMs = Infinity, steps = [] }: OperationPlan): number {
  // Each of its portions is judged by itself.
  if (kind === 'stream') return Infinity;
  if (kind !== 'connection' && kind !== 'lock') return Math.min(deadlineMs, abortAfterMs);
  const ownMs = steps.reduce((sum, step) => sum + (step.kind === 'wait' ? step.ms : deadlineMs), 0);
  return Math.min(deadlineMs + ownMs + (kind === 'lock' ? UNLOCKING_MS : 0), abortAfterMs);
}

/** No deadline of its own: a server that does not answer is found out. */
const UNLOCKING_MS = 20_000;

function perEndpoint(): Record<EndpointKind, Set<SimWire>> {
  return { master: new Set(), replica: new Set(), masterPooler: new Set(), replicaPooler: new Set() };
}

function commandsOf(request: Request): readonly Command[] {
  if ('text' in request) return parseScript(request.text);
  return 'statement' in request ? [parse(request.statement)] : [];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
