/**
 * The servers together, and who looks after them: what Patroni and the operator do, with their delays. A primary that
 * was not seen for `ttlMs` is replaced; labels, by which the addresses choose, follow late; whoever was replaced comes
 * back as a standby, its own branch thrown away. With synchronous replication only a standby that holds every
 * acknowledged commit is promoted.
 */
import type { Dice } from '../dice.ts';
import type { SimTime } from '../time.ts';
import type { CommitPhase, ModelObserver } from './observer.ts';
import type { ServerWorld } from './server.ts';
import { Server } from './server.ts';
import type { Session } from './session.ts';

export interface ClusterConfig {
  readonly synchronous: boolean;
  readonly standbys: number;
  readonly hasCommitSlots: boolean;
  readonly maxBackends: number;
  /** How long the primary may be unseen before another is promoted, in milliseconds. */
  readonly ttlMs: number;
  /** From a server's death to its next start, in milliseconds. */
  readonly restartMs: number;
  readonly startMs: number;
  /** From a promotion to the new and to the old primary's new label, in milliseconds. */
  readonly labelMs: readonly [number, number];
  /** How long a replaced primary that works goes on before it is demoted, in milliseconds. */
  readonly demoteMs: number;
  /** Whether a primary that is started again in place goes to a new timeline (Patroni's handling of a crash). */
  readonly newTimelineInPlace: boolean;
}

const TICK_MS = 250;

export class Cluster implements ServerWorld {
  readonly time: SimTime;
  readonly dice: Dice;
  readonly observer: ModelObserver;
  readonly systemId = '7300000000000000001';
  readonly servers: readonly Server[];
  readonly #config: ClusterConfig;
  #leader: Server;
  #leaderSeenAt = 0;
  #ticking = false;
  readonly #labels = new Map<Server, 'primary' | 'standby'>();
  readonly #downSince = new Map<Server, number>();
  readonly #rogueSince = new Map<Server, number>();
  /** Cut off from the other servers and from who looks after them, though not from the client. */
  readonly #isolated = new Set<Server>();
  readonly #unreplicated = new Set<Server>();
  #switchingOver = false;
  /** Faults that are still to be healed. */
  #wounds = 0;
  /** What a schedule does at a COMMIT, if it has something armed. */
  commitTrap: ((phase: CommitPhase, server: Server, session: Session) => void) | undefined;

  constructor(config: ClusterConfig, time: SimTime, dice: Dice, observer: ModelObserver) {
    this.#config = config;
    this.time = time;
    this.dice = dice;
    this.observer = observer;
    this.servers = Array.from(
      { length: config.standbys + 1 },
      (_, index) => new Server(`pg${index + 1}`, index === 0 ? 'primary' : 'standby', this),
    );
    this.#leader = this.servers[0]!;
    for (const server of this.servers) {
      this.#labels.set(server, server.role);
      if (server !== this.#leader) server.follow(this.#leader);
    }
    this.#chooseSyncStandby();
  }

  get maxBackends(): number {
    return this.#config.maxBackends;
  }

  get hasCommitSlots(): boolean {
    return this.#config.hasCommitSlots;
  }

  get synchronous(): boolean {
    return this.#config.synchronous;
  }

  get startMs(): number {
    return this.#config.startMs;
  }

  get leader(): Server {
    return this.#leader;
  }

  /** The standbys of the leader, whatever state they are in. */
  get standbys(): Server[] {
    return this.servers.filter((server) => server !== this.#leader);
  }

  labelled(role: 'primary' | 'standby'): Server[] {
    return this.servers.filter((server) => this.#labels.get(server) === role);
  }

  replicates(from: Server, to: Server): boolean {
    return !this.#isolated.has(from) && !this.#isolated.has(to) && !this.#unreplicated.has(to);
  }

  atCommit(phase: CommitPhase, server: Server, session: Session): void {
    this.commitTrap?.(phase, server, session);
  }

  /** Whether nothing is left to be mended. */
  get whole(): boolean {
    if (this.#wounds > 0) return false;
    const leader = this.#leader;
    const serves = (server: Server) =>
      server.healthy && !this.#isolated.has(server) && this.#labels.get(server) === server.role;
    const follows = (server: Server) =>
      server.role === 'standby' && server.upstream === leader && server.wal.length === leader.wal.length;
    const chosen = !this.synchronous || (leader.syncStandby !== undefined && leader.sync.size === 0);
    return serves(leader) && chosen && this.standbys.every((server) => serves(server) && follows(server));
  }

  /** For faults that end by themselves: until then the cluster is not whole. */
  healLater(delayMs: number, heal: () => void): void {
    this.#wounds += 1;
    this.time.after(delayMs, () => {
      this.#wounds -= 1;
      heal();
      this.wake();
    });
  }

  /** Must be called after anything that may need mending. */
  wake(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#leaderSeenAt = this.time.now;
    this.time.after(TICK_MS, () => this.#tick());
  }

  isolate(server: Server, isolated: boolean): void {
    if (isolated) this.#isolated.add(server);
    else this.#isolated.delete(server);
    this.#resume();
  }

  cutReplication(server: Server, cut: boolean): void {
    if (cut) this.#unreplicated.add(server);
    else this.#unreplicated.delete(server);
    this.#resume();
  }

  /** A planned change: clean shutdown, then the standby that has everything. */
  switchOver(): void {
    const old = this.#leader;
    if (!old.healthy || this.#switchingOver) return;
    this.#switchingOver = true;
    old.stop(() => {
      this.#switchingOver = false;
      const next = this.standbys.find(
        (server) => this.#mayBePromoted(server) && this.replicates(old, server),
      );
      if (next === undefined || old !== this.#leader) return;
      // A clean shutdown ends when the standby has received all of it.
      next.fetch();
      this.time.after(20, () => {
        if (old === this.#leader && next.healthy && next.wal.length === old.wal.length) this.#promote(next);
      });
    });
  }

  #resume(): void {
    for (const server of this.servers) server.fetch();
    this.#chooseSyncStandby();
    this.wake();
  }

  #tick(): void {
    this.#ticking = false;
    // Struck while it shut down: that was that.
    if (this.#leader.state !== 'stopping') this.#switchingOver = false;
    this.#restartDead();
    this.#watchLeader();
    this.#demoteRogues();
    this.#gather();
    this.#chooseSyncStandby();
    if (this.whole) return;
    this.#ticking = true;
    this.time.after(TICK_MS, () => this.#tick());
  }

  #restartDead(): void {
    for (const server of this.servers) {
      if (server.state !== 'down' || (server === this.#leader && this.#switchingOver)) {
        this.#downSince.delete(server);
        continue;
      }
      const since = this.#downSince.get(server) ?? this.time.now;
      this.#downSince.set(server, since);
      if (this.time.now - since < this.#config.restartMs || this.#isolated.has(server)) continue;
      this.#downSince.delete(server);
      if (server === this.#leader) this.#restartLeader();
      else this.#startAsStandby(server);
    }
  }

  /** Nobody has taken over meanwhile. */
  #restartLeader(): void {
    const server = this.#leader;
    if (this.#config.newTimelineInPlace) {
      server.role = 'standby';
      server.promote();
      this.observer.occurred('in-place-promotion');
    }
    server.start();
  }

  #startAsStandby(server: Server): void {
    // There must be a leader's log to rewind to.
    if (!this.#leader.healthy) return;
    server.role = 'standby';
    const lost = server.rewindTo(this.#leader);
    if (lost > 0) this.observer.occurred('diverged-wal-discarded');
    server.follow(this.#leader);
    server.start();
    this.#labels.set(server, 'standby');
  }

  #watchLeader(): void {
    const leader = this.#leader;
    const down = leader.state === 'down' || leader.frozen || this.#isolated.has(leader);
    if (!down) {
      this.#leaderSeenAt = this.time.now;
      return;
    }
    if (this.time.now - this.#leaderSeenAt < this.#config.ttlMs) return;
    const candidates = this.standbys.filter((server) => this.#mayBePromoted(server));
    const next = candidates.toSorted((one, other) => other.wal.length - one.wal.length)[0];
    if (next !== undefined) this.#promote(next);
  }

  /**
   * Nobody who has not heard of the leader's timeline (Patroni's `check_timeline`): it would give its number again.
   * With synchronous replication: the standby that confirms the leader's commits, or any other once all of them have
   * answered, so that none is left to confirm for the old leader behind the new one's back.
   */
  #mayBePromoted(server: Server): boolean {
    const answers = (each: Server) => each.healthy && each.role === 'standby' && !this.#isolated.has(each);
    if (server.timeline !== this.#leader.timeline) return false;
    if (!answers(server) || !this.synchronous) return answers(server);
    const { acknowledged, wal, syncStandby } = this.#leader;
    if (server !== syncStandby && !this.standbys.every(answers)) return false;
    return acknowledged === 0 || server.wal[acknowledged - 1] === wal[acknowledged - 1];
  }

  #promote(server: Server): void {
    const old = this.#leader;
    this.observer.occurred('failover');
    if (this.synchronous)
      for (const each of this.standbys) if (each.upstream === old && each.healthy) each.follow(undefined);
    this.#leader = server;
    this.#leaderSeenAt = this.time.now;
    server.promote();
    server.acknowledged = Math.min(old.acknowledged, server.wal.length);
    server.syncStandby = undefined;
    const [newLabelMs, oldLabelMs] = this.#config.labelMs;
    this.time.after(newLabelMs, () => this.#label(server));
    this.time.after(oldLabelMs, () => this.#label(old));
    this.wake();
  }

  #label(server: Server): void {
    const role = server === this.#leader ? 'primary' : 'standby';
    this.#labels.set(server, role);
    this.observer.note(server.name, () => `is labelled ${role}`);
  }

  /** Primaries that were replaced and still work: until somebody tells them, they go on. */
  #demoteRogues(): void {
    for (const server of this.standbys) {
      const reachable = server.healthy && !this.#isolated.has(server);
      if (server.role !== 'primary' || !reachable) {
        this.#rogueSince.delete(server);
        continue;
      }
      const since = this.#rogueSince.get(server) ?? this.time.now;
      this.#rogueSince.set(server, since);
      if (this.time.now - since < this.#config.demoteMs) continue;
      this.#rogueSince.delete(server);
      this.observer.occurred('old-primary-demoted');
      server.kill();
    }
  }

  /** Standbys follow the leader; one that has gone another way is started again from where the ways part. */
  #gather(): void {
    const leader = this.#leader;
    if (!leader.healthy) return;
    for (const server of this.standbys) {
      if (!server.healthy || server.role !== 'standby' || !this.replicates(leader, server)) continue;
      if (!server.isBehind(leader)) {
        server.kill();
        continue;
      }
      // The history of timelines comes with the connection, before any WAL.
      server.timeline = leader.timeline;
      if (server.upstream !== leader) server.follow(leader);
      else server.fetch();
    }
  }

  #chooseSyncStandby(): void {
    const leader = this.#leader;
    const listens = leader.role === 'primary' && leader.healthy && !this.#isolated.has(leader);
    if (!this.synchronous || !listens) return;
    const usable = (server: Server) =>
      server.healthy && server.upstream === leader && this.replicates(leader, server);
    const current = leader.syncStandby;
    if (current !== undefined && usable(current)) leader.chooseSyncStandby(current);
    else {
      const next = this.standbys.find(usable);
      if (next !== undefined) leader.chooseSyncStandby(next);
    }
  }
}
