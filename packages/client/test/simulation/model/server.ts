/**
 * One PostgreSQL server.
 *
 *   down       no process: nobody listens
 *   starting   recovers; whoever connects is told 57P03
 *   running    serves, as primary or standby
 *   stopping   shuts down in an orderly way; whoever connects is told 57P03
 *
 * Beside these it may be frozen: its kernel accepts connections and data, and nothing happens with them until it is
 * thawed, when everything that has piled up happens after all. A crash loses what was not flushed, all sessions and
 * all locks; it keeps the timeline.
 */
import type { Timer } from '../../../src/runtime/clock.ts';
import type { IdentityRow } from '../../../src/wire/sql.ts';
import type { Dice } from '../dice.ts';
import type { Peer, Reply } from '../protocol.ts';
import { SqlError } from '../protocol.ts';
import type { SimTime } from '../time.ts';
import { Backend } from './backend.ts';
import { Door } from './door.ts';
import { Locks } from './locks.ts';
import type { CommitPhase, ModelObserver } from './observer.ts';
import type { Session, SessionHost } from './session.ts';
import { SyncWaits } from './sync-waits.ts';
import type { Change, WalRecord } from './wal.ts';
import { Data, commonLength, highestXid, replay } from './wal.ts';

/** What a server does not decide by itself. */
export interface ServerWorld {
  readonly time: SimTime;
  readonly dice: Dice;
  readonly observer: ModelObserver;
  readonly systemId: string;
  readonly maxBackends: number;
  readonly hasCommitSlots: boolean;
  /** Whether commits wait for a standby. */
  readonly synchronous: boolean;
  /** How long a start takes, in milliseconds. */
  readonly startMs: number;
  /** Whether WAL gets from one to the other now. */
  replicates(from: Server, to: Server): boolean;
  atCommit(phase: CommitPhase, server: Server, session: Session): void;
}

const SHUTDOWN = () => new SqlError('57P01', 'terminating connection due to administrator command', 'FATAL');

export class Server implements SessionHost {
  readonly name: string;
  readonly #world: ServerWorld;
  role: 'primary' | 'standby';
  state: 'running' | 'starting' | 'stopping' | 'down' = 'running';
  timeline = 1;
  readonly wal: WalRecord[] = [];
  /** How much of the log is on disk. */
  flushed = 0;
  /** How much of it a standby has replayed. */
  #replayed = 0;
  data = new Data();
  locks = new Locks();
  advisoryLocks = new Locks();
  sync: SyncWaits;
  /** The standby whose confirmation commits wait for. */
  syncStandby: Server | undefined;
  upstream: Server | undefined;
  readonly followers = new Set<Server>();
  /** The highest position whose commit was answered as done. */
  acknowledged = 0;
  /** Times as long as usual. */
  slowness = 1;
  /** How long a standby is behind with replaying, in milliseconds. */
  replayLagMs = 0;
  readonly #backends = new Map<number, Backend>();
  #nextProcess = 100;
  #records = 0;
  /** The highest transaction id that was given. */
  #xid = 0;
  #startedAt = 0;
  /** Changes when memory is lost: what was under way before it never happens. */
  #incarnation = 0;
  #frozen = false;
  #stalled: (() => void)[] = [];
  readonly #door: Door;
  #receiving = false;

  constructor(name: string, role: 'primary' | 'standby', world: ServerWorld) {
    this.name = name;
    this.role = role;
    this.#world = world;
    this.sync = this.#freshSync();
    this.#door = new Door();
  }

  get observer(): ModelObserver {
    return this.#world.observer;
  }

  get systemId(): string {
    return this.#world.systemId;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Whether it serves. */
  get healthy(): boolean {
    return this.state === 'running' && !this.#frozen && !this.#door.closed;
  }

  /** Whether a process listens, be it a frozen one. */
  get listens(): boolean {
    return this.state !== 'down';
  }

  /** Runs after the time, in this incarnation, and not while the server is frozen. */
  after(delayMs: number, run: () => void): Timer {
    const incarnation = this.#incarnation;
    const whenDue = () => {
      if (incarnation !== this.#incarnation) return;
      if (this.#frozen) this.#stalled.push(whenDue);
      else run();
    };
    return this.#world.time.after(delayMs, whenDue);
  }

  /** How long a statement takes by itself. */
  serviceMs(): number {
    return this.#world.dice.between(0.05, 0.5) * this.slowness;
  }

  identity(session: Session): IdentityRow {
    const standby = this.role === 'standby';
    return {
      standby,
      system_id: this.systemId,
      timeline: standby ? null : this.timeline,
      server: `${this.name} ${this.#startedAt}`,
      server_time: this.#world.time.now / 1_000,
      backend_start: session.start,
      has_commit_slots: this.#world.hasCommitSlots,
      has_lineage: this.#world.hasCommitSlots,
    };
  }

  /** A connection has arrived. @returns what stands at its end. */
  accept(reply: Reply): Peer {
    return this.#door.enter(
      (ready) => this.after(this.serviceMs(), ready),
      () => this.#signIn(reply),
    );
  }

  #signIn(reply: Reply): Peer | undefined {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      reply.send({ kind: 'fatal', error: refusal });
      reply.close('fin');
      return undefined;
    }
    this.#nextProcess += 1;
    const processId = this.#nextProcess;
    const backend = new Backend(this, reply, processId, `${this.#world.time.now.toFixed(3)} ${processId}`);
    this.#backends.set(processId, backend);
    reply.send({ kind: 'welcome', processId });
    return backend;
  }

  #refusal(): SqlError | undefined {
    if (this.state === 'starting')
      return new SqlError('57P03', 'the database system is starting up', 'FATAL');
    if (this.state === 'stopping')
      return new SqlError('57P03', 'the database system is shutting down', 'FATAL');
    if (this.#backends.size >= this.#world.maxBackends) {
      this.observer.occurred('too-many-clients');
      return new SqlError('53300', 'sorry, too many clients already', 'FATAL');
    }
    return undefined;
  }

  session(processId: number): Session | undefined {
    return this.#backends.get(processId);
  }

  backends(): Backend[] {
    return [...this.#backends.values()];
  }

  forget(session: Session): void {
    this.#backends.delete(session.processId);
  }

  atCommit(phase: CommitPhase, session: Session): void {
    this.#world.atCommit(phase, this, session);
  }

  // Writing ---------------------------------------------------------------------------------------------------------

  assignXid(): number {
    this.#xid += 1;
    return this.#xid;
  }

  statusOf(xid: number): 'in progress' | 'committed' | 'aborted' | undefined {
    if (xid > this.#xid) return undefined;
    if (this.backends().some((backend) => backend.xid === xid)) return 'in progress';
    return this.wal.some((record) => record.xid === xid) ? 'committed' : 'aborted';
  }

  insertRecord(changes: readonly Change[], xid: number): WalRecord {
    this.#records += 1;
    const version = `${this.name}/${this.#records}`;
    const record = { lsn: this.wal.length + 1, timeline: this.timeline, changes, version, xid };
    this.wal.push(record);
    for (const change of changes) if (change.kind === 'notify') this.observer.notified(change, record);
    return record;
  }

  whenFlushed(record: WalRecord, done: () => void): void {
    this.after(this.#world.dice.between(0.1, 1) * this.slowness, () => {
      for (; this.flushed < record.lsn; this.flushed += 1) this.observer.durable(this.wal[this.flushed]!);
      this.ship();
      done();
    });
  }

  /** A commit is about to be answered as done. */
  acknowledge(record: WalRecord): void {
    this.acknowledged = Math.max(this.acknowledged, record.lsn);
  }

  /** Makes a commit visible to others, and tells those who listen: here, for standbys hear nothing. */
  show(record: WalRecord, session: Session): void {
    this.data.apply(record);
    const messages = record.changes.filter((change) => change.kind === 'notify');
    if (messages.length === 0) return;
    for (const backend of this.#backends.values()) backend.hear(messages, session.processId);
  }

  // Replication -----------------------------------------------------------------------------------------------------

  /** Lets the standbys fetch what they lack. */
  ship(): void {
    for (const standby of this.followers) standby.fetch();
  }

  /** Fetches from upstream what is flushed there; again when more has come meanwhile. */
  fetch(): void {
    const { upstream } = this;
    if (this.#receiving || upstream === undefined || this.wal.length >= upstream.flushed) return;
    this.#receiving = true;
    this.after(this.#world.dice.between(0.2, 2), () => {
      this.#receiving = false;
      if (this.upstream === upstream) this.#receive(upstream);
    });
  }

  #receive(upstream: Server): void {
    if (upstream.state === 'down' || upstream.frozen || !this.#world.replicates(upstream, this)) return;
    if (!this.isBehind(upstream)) return;
    this.wal.push(...upstream.wal.slice(this.wal.length, upstream.flushed));
    this.#xid = highestXid(this.wal);
    this.flushed = this.wal.length;
    this.timeline = upstream.timeline;
    const { flushed } = this;
    this.after(this.#world.dice.between(0.1, 1) + this.replayLagMs, () => this.#replayTo(flushed));
    upstream.after(this.#world.dice.between(0.1, 1), () => {
      // A confirmation needs the way back as well.
      if (upstream.syncStandby === this && this.#world.replicates(upstream, this))
        upstream.sync.confirm(flushed);
    });
    this.fetch();
  }

  /** Whether its log is the beginning of the other's. */
  isBehind(other: Server): boolean {
    return commonLength(this.wal, other.wal) === this.wal.length;
  }

  #replayTo(lsn: number): void {
    // What was received on a branch that was given up meanwhile is not there any more.
    const end = Math.min(lsn, this.wal.length);
    for (; this.#replayed < end; this.#replayed += 1) this.data.apply(this.wal[this.#replayed]!);
  }

  /** After a promotion: what had been replayed by then. */
  get replayed(): number {
    return this.#replayed;
  }

  get inserted(): number {
    return this.wal.length;
  }

  /** What schooldb.lineage() says: silence does not end a stream soon, the end of its source does. */
  get streamedTimeline(): number | null {
    const streams = this.role === 'standby' && this.upstream?.state === 'running';
    return streams && this.upstream?.role === 'primary' ? this.timeline : null;
  }

  follow(upstream: Server | undefined): void {
    this.upstream?.followers.delete(this);
    this.upstream = upstream;
    upstream?.followers.add(this);
    // What was asked of the old one is not awaited any more.
    this.#receiving = false;
    this.fetch();
  }

  /** Whose confirmation commits wait for from now on. */
  chooseSyncStandby(standby: Server | undefined): void {
    this.syncStandby = standby;
    if (standby !== undefined && standby.isBehind(this)) this.sync.confirm(standby.flushed);
  }

  /** Becomes the primary of a new timeline, sessions and all. */
  promote(): void {
    this.follow(undefined);
    this.#replayTo(this.wal.length);
    this.flushed = this.wal.length;
    this.role = 'primary';
    this.timeline += 1;
    this.sync = this.#freshSync();
    this.observer.note(this.name, () => `is promoted, timeline ${this.timeline}, at ${this.wal.length}`);
  }

  #freshSync(): SyncWaits {
    return new SyncWaits(this.#world.synchronous ? 0 : Infinity);
  }

  // Life and death --------------------------------------------------------------------------------------------------

  /** SIGKILL to the whole process tree. */
  kill(): void {
    this.observer.note(this.name, () => 'is killed');
    const backends = this.backends();
    this.#lose();
    this.state = 'down';
    this.thaw();
    this.#door.open(false);
    for (const backend of backends) backend.vanish();
  }

  /** A backend dies, and the postmaster restarts all of it: memory is lost, timeline and start time stay. */
  crashRestart(): void {
    this.observer.note(this.name, () => 'crashes and recovers');
    const backends = this.backends();
    this.#lose();
    this.state = 'starting';
    for (const backend of backends) backend.crash();
    this.after(this.#world.startMs, () => this.#recovered());
  }

  /** Starts the processes again. */
  start(): void {
    this.observer.note(this.name, () => `starts as ${this.role}`);
    this.#startedAt = Math.round(this.#world.time.now * 1_000);
    this.state = 'starting';
    this.after(this.#world.startMs, () => this.#recovered());
  }

  /** Stops in an orderly way: sessions are told; `whenDown` runs when all WAL has left. */
  stop(whenDown: () => void): void {
    this.observer.note(this.name, () => 'shuts down');
    this.state = 'stopping';
    const endSessions = () => {
      // Commits that wait for the standby are not waited for: their sessions end like any other (syncrep.c).
      for (const backend of this.backends()) backend.terminate(SHUTDOWN());
      if (this.#backends.size > 0) {
        this.after(100, endSessions);
        return;
      }
      for (const standby of this.followers) standby.fetch();
      this.after(20, () => {
        this.#lose();
        this.state = 'down';
        whenDown();
      });
    };
    endSessions();
  }

  freeze(): void {
    this.observer.note(this.name, () => 'freezes');
    this.#frozen = true;
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.observer.note(this.name, () => 'thaws');
    this.#frozen = false;
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const run of stalled) run();
    this.fetch();
    this.ship();
  }

  /** The postmaster alone is stopped: sessions go on, nobody new gets in. */
  shutDoor(): void {
    this.#door.shut();
  }

  openDoor(): void {
    this.#door.open(true);
  }

  /** Throws away what is not in the log that the other holds, so that it can be followed (pg_rewind). */
  rewindTo(other: Server): number {
    const common = commonLength(this.wal, other.wal);
    const lost = this.wal.length - common;
    this.wal.length = common;
    this.flushed = common;
    this.timeline = other.timeline;
    this.data = replay(this.wal);
    this.#xid = highestXid(this.wal);
    this.#replayed = common;
    return lost;
  }

  #recovered(): void {
    if (this.state !== 'starting') return;
    this.state = 'running';
    this.fetch();
    this.observer.note(
      this.name,
      () => `runs as ${this.role}, timeline ${this.timeline}, at ${this.wal.length}`,
    );
  }

  /** Memory is gone, and with it what was not flushed. */
  #lose(): void {
    this.#incarnation += 1;
    this.#stalled = [];
    this.#backends.clear();
    this.#receiving = false;
    this.locks = new Locks();
    this.advisoryLocks = new Locks();
    this.sync = this.#freshSync();
    if (this.wal.length > this.flushed) {
      this.observer.occurred('unflushed-wal-lost');
      this.wal.length = this.flushed;
    }
    this.data = replay(this.wal);
    this.#xid = highestXid(this.wal);
    this.#replayed = this.wal.length;
  }
}
