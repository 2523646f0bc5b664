/**
 * One primary, N standbys, and what becomes of them.
 *
 *   stopped    before the start and after the stop
 *   reigning   a primary is alive and has the role; standbys are tended: started again, turned
 *              towards it, cloned anew
 *   vacant     the primary is lost, or about to be; nobody is tended, a failover may be waiting
 *
 * reigning -> vacant when the primary's process tree is gone or stopped, or is about to be (restart,
 * switchover). vacant -> reigning by promotion, or when the old primary comes back first (restart,
 * undo of a fault). What may not happen: a promotion while anything of the old primary still runs; a
 * server taking the role back after somebody else got it; a promotion without a standby that may be
 * alone in holding an acknowledged commit.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerAddress } from '../../cluster.ts';
import { ClusterError, messageOf } from '../../errors.ts';
import type { FaultOptions } from '../../faults/fault.ts';
import { resolveGroups } from '../../faults/partition-groups.ts';
import type { ResolvedOptions } from '../../options.ts';
import type { Children } from '../../process/children.ts';
import { waitFor } from '../../process/wait.ts';
import {
  OVER_AT_ONCE,
  type Announce,
  type Effect,
  type Emit,
  type Engine,
  type EngineStatus,
} from '../engine.ts';
import { markStandby } from './clone.ts';
import { crashBackend } from '../crash-backend.ts';
import { ConfirmingStandbys } from './confirming-standbys.ts';
import { readControlFile } from './control-file.ts';
import { diskFull } from '../disk-full.ts';
import { electStandby } from './election.ts';
import { parseLsn } from '../lsn.ts';
import type { Member, Reign } from './member.ts';
import { areSeparate, Partitions } from './partitions.ts';
import { ReplayDelays } from './replay-delays.ts';
import { ReplicationLinks } from './replication-links.ts';
import { askPosition, forkOf, promote, timelineOf } from './replication.ts';
import { askStatus } from '../server-status.ts';
import { cutReplication, lag, type StandbyScene } from './standby-faults.ts';
import { Tending } from './tending.ts';

/** How long a planned switchover waits for the standby to hold the old primary's last word. */
const CAUGHT_UP_WITHIN_MS = 10_000;

interface Vacancy {
  lost: Member;
  /** Somebody took the role away on purpose, and can give it back. */
  byFault: boolean;
  /** Gives the failover up, as long as it has not begun to promote. */
  giveUp: AbortController;
  promoting: boolean;
  blocked: string | null;
  failover: Promise<void>;
}

type Phase =
  | { name: 'stopped' }
  | { name: 'reigning'; reign: Reign; end: AbortController }
  | { name: 'vacant'; vacancy: Vacancy };

export interface EmbeddedEngineNeeds {
  options: ResolvedOptions;
  members: readonly Member[];
  children: Children;
  replicationPassword: string;
  emit: Emit;
  /** Called when a role or a server's reachability changed; resolves when the virtual IPs know. */
  onRolesChanged: () => Promise<void>;
}

export class EmbeddedEngine implements Engine {
  readonly #options: ResolvedOptions;
  readonly #members: readonly Member[];
  readonly #children: Children;
  readonly #replicationPassword: string;
  readonly #emit: Emit;
  readonly #onRolesChanged: () => Promise<void>;
  readonly #confirming: ConfirmingStandbys;
  readonly #links = new ReplicationLinks();
  readonly #partitions = new Partitions();
  /** Primaries that live on where the supervisor does not reach them. */
  readonly #beyond = new Set<Member>();
  readonly #delays = new ReplayDelays();
  /** Each strikes the primary of the moment, or its standbys. */
  readonly faults: Engine['faults'] = {
    'kill-primary': (_options, announce) => this.#killPrimary(announce),
    'freeze-primary': (_options, announce) => this.#freezePrimary(announce),
    'frozen-postmaster': (_options, announce) => this.#freezePostmaster(announce),
    'crash-backend': (_options, announce) => this.#crashBackend(announce),
    restart: (_options, announce) => this.#restart(announce),
    switchover: (_options, announce) => this.#switchover(announce),
    'disk-full': (options, announce) =>
      diskFull(
        this.#members.map((member) => ({ name: member.name, disk: member.server.disk, member })),
        this.#standbyScene('disk-full').primary.name,
        options,
        announce,
        ({ member }) => this.#startWhereLost(member),
      ),
    partition: (options, announce) => this.#partition(options, announce),
    lag: (options, announce) => lag(this.#standbyScene('lag'), options, this.#delays, announce),
    'cut-replication': (options, announce) =>
      cutReplication(this.#standbyScene('cut-replication'), options, this.#links, announce),
  };
  #phase: Phase = { name: 'stopped' };
  /** Who was primary before the present one; undefined before the first failover. */
  #former: Member | undefined;
  /** The tending of the current or last reign; a vacancy waits until it has let go. */
  #tended: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(needs: EmbeddedEngineNeeds) {
    this.#options = needs.options;
    this.#members = needs.members;
    this.#children = needs.children;
    this.#replicationPassword = needs.replicationPassword;
    this.#emit = needs.emit;
    this.#onRolesChanged = needs.onRolesChanged;
    this.#confirming = new ConfirmingStandbys(needs.options.synchronous);
    for (const member of this.#members) member.server.onLost = () => void this.#lost(member);
  }

  get servers(): readonly ServerAddress[] {
    return this.#members.map(({ name, server }) => ({ name, ...server.address }));
  }

  /** Begins with a primary that runs; the others are cloned from it. */
  async begin(primary: Member): Promise<void> {
    if (this.#stopped !== undefined) return;
    for (const standby of this.#others(primary)) standby.diverged = true;
    await this.#beginReign(primary);
  }

  /** Twice is fine. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const phase = this.#phase;
    this.#phase = { name: 'stopped' };
    if (phase.name === 'reigning') phase.end.abort();
    if (phase.name === 'vacant') phase.vacancy.giveUp.abort();
    await this.#onRolesChanged();
    await this.#tended;
    if (phase.name === 'vacant') await phase.vacancy.failover;
    // The data is deleted next: an immediate shutdown loses nothing but time spent on it.
    await Promise.all(this.#members.map(({ server }) => server.stop('immediate')));
    await this.#links.close();
  }

  backends(role: 'primary' | 'standby'): ServerAddress[] {
    const holder = this.#holder();
    const members =
      role === 'primary'
        ? this.#members.filter((member) => member === holder && member.server.listens)
        : this.#members.filter(
            (member) =>
              member !== holder && member.follows !== undefined && member.server.state === 'running',
          );
    return members.map(({ name, server }) => ({ name, ...server.address }));
  }

  demoted(): ServerAddress | undefined {
    const lost = this.#phase.name === 'vacant' ? this.#phase.vacancy.lost : this.#former;
    const address = (member: Member) => ({ name: member.name, ...member.server.address });
    return lost === undefined ? this.backends('standby')[0] : address(lost);
  }

  isCutFromClients(server: string): boolean {
    return this.#partitions.separate('clients', server);
  }

  async status(): Promise<EngineStatus> {
    const phase = this.#phase;
    const answers = await Promise.all(this.#members.map(({ server }) => askStatus(server)));
    const primary = phase.name === 'reigning' ? phase.reign.primary : undefined;
    const primaryAnswer = primary === undefined ? undefined : answers[this.#members.indexOf(primary)];
    return {
      servers: this.#members.map(({ name, server }, index) => {
        const answer = answers[index];
        return {
          name,
          ...server.address,
          state: server.state,
          role: answer === undefined ? 'unknown' : answer.primary ? 'primary' : 'standby',
          timeline: answer?.timeline ?? null,
          lsn: answer?.lsn ?? null,
          synchronous: primaryAnswer?.synchronous.includes(name) ?? false,
        };
      }),
      primary: primary?.name ?? null,
      timeline: primaryAnswer?.timeline ?? null,
      blocked: phase.name === 'vacant' ? phase.vacancy.blocked : null,
    };
  }

  async #killPrimary(announce: Announce): Promise<Effect> {
    const primary = this.#requirePrimary('kill-primary');
    const vacancy = this.#vacate(primary, { byFault: true });
    announce(primary.name);
    await primary.server.kill();
    await this.#reportLoss(primary, `${primary.name} was killed`);
    this.#failOver(vacancy);
    return this.#hit(primary, async () => {
      await this.#comeBack(primary, () => primary.server.start());
    });
  }

  async #freezePrimary(announce: Announce): Promise<Effect> {
    const primary = this.#requirePrimary('freeze-primary');
    const vacancy = this.#vacate(primary, { byFault: true });
    announce(primary.name);
    await primary.server.freeze();
    await this.#reportLoss(primary, `${primary.name} is frozen`);
    this.#failOver(vacancy);
    return this.#hit(primary, async () => {
      const back = await this.#comeBack(primary, async () => {
        if (primary.server.state === 'frozen') primary.server.thaw();
        else await primary.server.start();
      });
      // Somebody else is primary: it must not wake up as a second one.
      if (!back) await primary.server.kill();
      primary.wake();
    });
  }

  /** The role stays where it is: nobody is promoted, and nobody tends standbys who would have to connect. */
  async #freezePostmaster(announce: Announce): Promise<Effect> {
    const primary = this.#requirePrimary('frozen-postmaster');
    this.#requirePostmaster('frozen-postmaster', primary);
    announce(primary.name);
    await primary.server.freezePostmaster();
    return {
      isOver: () => !primary.server.postmasterFrozen,
      undo: async () => {
        primary.server.thawPostmaster();
        for (const member of this.#members) member.wake();
      },
    };
  }

  /** The postmaster lives, so the primary is not lost; standbys connect again when it has recovered. */
  async #crashBackend(announce: Announce): Promise<Effect> {
    const primary = this.#requirePrimary('crash-backend');
    this.#requirePostmaster('crash-backend', primary);
    let over = false;
    const { recovered } = await crashBackend(primary.server, (pid) =>
      announce(primary.name, `backend ${pid}`),
    );
    void recovered.then(() => {
      over = true;
      for (const member of this.#members) member.wake();
      return this.#onRolesChanged();
    });
    return { isOver: () => over, undo: () => Promise.resolve() };
  }

  /**
   * A fast shutdown and a start in place. The delay before a promotion runs from the moment the
   * server is down: when it is not back by then it is killed, and a standby is promoted.
   */
  async #restart(announce: Announce): Promise<Effect> {
    const primary = this.#requirePrimary('restart');
    this.#requirePostmaster('restart', primary);
    const vacancy = this.#vacate(primary, { byFault: true });
    announce(primary.name);
    await primary.server.stop('fast');
    await this.#reportLoss(primary, `${primary.name} is restarted`);
    const { promoteAfterMs } = this.#options;
    const limited = promoteAfterMs !== false && this.#members.length > 1;
    const limit = limited ? AbortSignal.timeout(promoteAfterMs) : new AbortController().signal;
    try {
      await primary.server.start(limit);
    } catch (error) {
      if (!limit.aborted) throw error;
      await primary.server.kill();
      this.#failOver(vacancy, 0);
      return OVER_AT_ONCE;
    }
    await this.#takeBack(primary);
    return OVER_AT_ONCE;
  }

  /**
   * A fast shutdown sends everything, the last checkpoint included, to the standbys before the server
   * ends; the standby that has it takes over at once, and the old primary can follow it as it is.
   */
  async #switchover(announce: Announce): Promise<Effect> {
    const primary = this.#requirePrimary('switchover');
    this.#requirePostmaster('switchover', primary);
    this.#requireReplication('switchover', primary);
    const successor = await this.#mostAdvancedFollower();
    const vacancy = this.#vacate(primary, { byFault: true });
    announce(primary.name);
    await primary.server.stop('fast');
    await this.#reportLoss(primary, `${primary.name} hands over to ${successor.name}`);
    await this.#tended;
    // One that replays late would hold the last word and not show it.
    await successor.server.delayReplay(0);
    const holds = await this.#holdsLastWord(successor, primary);
    await this.#delays.apply(successor);
    if (!holds) {
      await primary.server.start();
      await this.#takeBack(primary);
      throw new ClusterError(
        'fault-failed',
        `switchover: ${successor.name} did not receive the last of ${primary.name}, which is primary again`,
      );
    }
    vacancy.promoting = true;
    await markStandby(primary.server.dataDirectory, this.#children.account);
    await this.#promote(successor, primary);
    return OVER_AT_ONCE;
  }

  /**
   * Groups that do not hear each other. A primary in another group than the supervisor is lost to it and
   * lives on: a standby is promoted if those within reach prove that it holds everything acknowledged.
   */
  async #partition({ groups: given }: FaultOptions, announce: Announce): Promise<Effect> {
    const primary = this.#requirePrimary('partition');
    const servers = this.#members.map(({ name }) => name);
    const groups = resolveGroups(given, { servers, primary: primary.name });
    announce(groups.text);
    const end = this.#partitions.add(groups);
    const heal = await this.#links.cut((one, other) => areSeparate(groups, one, other));
    await this.#onRolesChanged();
    const reigns = this.#phase.name === 'reigning' && this.#phase.reign.primary === primary;
    if (reigns && areSeparate(groups, 'control', primary.name)) {
      this.#beyond.add(primary);
      const vacancy = this.#vacate(primary, { byFault: true });
      await this.#reportLoss(primary, `${primary.name} is out of the supervisor's reach`);
      this.#failOver(vacancy);
    }
    return {
      undo: async () => {
        end();
        // Before anybody hears of it again: nobody may take it for the primary that it no longer is.
        await this.#meetAgain();
        await heal();
        await this.#onRolesChanged();
        for (const member of this.#members) member.wake();
      },
    };
  }

  /** Primaries that are within reach again have their role back, or are fenced: killed, and cloned by the tending. */
  async #meetAgain(): Promise<void> {
    for (const member of this.#beyond) {
      if (this.#partitions.separate('control', member.name)) continue;
      this.#beyond.delete(member);
      const back = await this.#comeBack(member, () => this.#bringUp(member));
      if (!back) await member.server.kill();
    }
  }

  #requirePrimary(fault: string): Member {
    if (this.#phase.name === 'reigning') return this.#phase.reign.primary;
    throw new ClusterError(
      'fault-failed',
      `${fault}: there is no primary right now; wait until one is promoted`,
    );
  }

  /** A postmaster that is stopped takes no orders, and is not stopped twice. */
  #requirePostmaster(fault: string, { name, server }: Member): void {
    if (!server.postmasterFrozen) return;
    throw new ClusterError(
      'fault-failed',
      `${fault}: the postmaster of ${name} is frozen; undo frozen-postmaster first`,
    );
  }

  /** A fast shutdown waits until every connected standby has everything. */
  #requireReplication(fault: string, primary: Member): void {
    const cut = this.#others(primary).filter(({ name }) => this.#links.isCut(name, primary.name));
    if (cut.length === 0) return;
    const names = cut.map(({ name }) => name).join(' and ');
    throw new ClusterError(
      'fault-failed',
      `${fault}: replication to ${names} is cut; undo cut-replication or partition first`,
    );
  }

  #standbyScene(fault: string): StandbyScene {
    return { members: this.#members, primary: this.#requirePrimary(fault) };
  }

  #holder(): Member | undefined {
    if (this.#phase.name === 'reigning') return this.#phase.reign.primary;
    // The address goes on leading to the lost primary, as long as anything answers there.
    return this.#phase.name === 'vacant' ? this.#phase.vacancy.lost : undefined;
  }

  /** The role is taken at once, so that clients get there; what standbys need to follow comes after. */
  async #beginReign(primary: Member, forkedAt?: bigint): Promise<void> {
    const end = new AbortController();
    const reign = { primary, forkedAt, signal: end.signal };
    this.#phase = { name: 'reigning', reign, end };
    primary.follows = undefined;
    await this.#onRolesChanged();
    const standbys = this.#others(primary);
    const tending = new Tending(reign, {
      confirming: this.#confirming,
      links: this.#links,
      partitions: this.#partitions,
      delays: this.#delays,
      replicationPassword: this.#replicationPassword,
      children: this.#children,
      emit: this.#emit,
      onRolesChanged: () => void this.#onRolesChanged(),
    });
    this.#tended = tending.tendAll(standbys);
  }

  #vacate(lost: Member, { byFault }: { byFault: boolean }): Vacancy {
    if (this.#phase.name === 'reigning') this.#phase.end.abort();
    const vacancy: Vacancy = {
      lost,
      byFault,
      giveUp: new AbortController(),
      promoting: false,
      blocked: null,
      failover: Promise.resolve(),
    };
    this.#phase = { name: 'vacant', vacancy };
    return vacancy;
  }

  async #reportLoss(primary: Member, detail: string): Promise<void> {
    await this.#onRolesChanged();
    this.#emit({ type: 'primary:lost', server: primary.name, detail });
  }

  /** A server ended by itself; nothing of it is left. */
  async #lost(member: Member): Promise<void> {
    const phase = this.#phase;
    if (phase.name === 'reigning' && phase.reign.primary === member) {
      const vacancy = this.#vacate(member, { byFault: false });
      await this.#reportLoss(member, `${member.name} ended`);
      this.#failOver(vacancy);
      return;
    }
    if (phase.name === 'stopped') return;
    this.#emit({ type: 'server:lost', server: member.name, detail: `${member.name} ended` });
    await this.#onRolesChanged();
    member.wake();
  }

  #failOver(vacancy: Vacancy, delayMs = this.#options.promoteAfterMs): void {
    const { signal } = vacancy.giveUp;
    vacancy.failover = this.#runFailover(vacancy, delayMs).catch((error: unknown) => {
      if (!signal.aborted)
        this.#emit({ type: 'server:failed', server: vacancy.lost.name, detail: messageOf(error) });
    });
  }

  async #runFailover(vacancy: Vacancy, delayMs: number | false): Promise<void> {
    const { lost } = vacancy;
    const { signal } = vacancy.giveUp;
    if (delayMs !== false) await sleep(delayMs, undefined, { signal });
    if (delayMs === false || this.#members.length === 1) {
      // Nobody else can have the role. Where a fault took it, undo gives it back.
      if ((delayMs === false && vacancy.byFault) || this.#beyond.has(lost)) return;
      await lost.server.start(signal);
      await this.#takeBack(lost);
      return;
    }
    await this.#tended;
    const successor = await electStandby(this.#others(lost), {
      confirming: this.#confirming,
      synchronous: this.#options.synchronous,
      reaches: ({ name }) => !this.#partitions.separate('control', name),
      signal,
      onBlocked: (why) => this.#block(vacancy, why),
    });
    if (signal.aborted) return;
    vacancy.promoting = true;
    lost.diverged = true;
    await this.#promote(successor, lost);
  }

  #block(vacancy: Vacancy, why: string): void {
    if (vacancy.blocked === why) return;
    vacancy.blocked = why;
    this.#emit({ type: 'promotion:blocked', server: vacancy.lost.name, detail: `no promotion: ${why}` });
  }

  /** Once begun it is never given up for another standby: that could make two primaries. */
  async #promote(successor: Member, former: Member): Promise<void> {
    for (let done = false; !done;) {
      try {
        await successor.server.configure({
          upstream: 'nowhere',
          confirming: this.#confirming.settingsOfSuccessor(successor.name),
        });
        if (successor.server.state === 'stopped') await successor.server.start();
        await promote(successor.server);
        done = true;
      } catch (error) {
        if (this.#phase.name === 'stopped') return;
        this.#emit({
          type: 'server:failed',
          server: successor.name,
          detail: `promotion of ${successor.name}: ${messageOf(error)}`,
        });
        await sleep(500);
      }
    }
    if (this.#phase.name === 'stopped') return;
    this.#confirming.succeed(successor.name);
    this.#former = former;
    const timeline = await timelineOf(successor.server);
    await this.#beginReign(successor, await forkOf(successor.server, timeline));
    this.#emit({
      type: 'primary:promoted',
      server: successor.name,
      timeline,
      detail: `${successor.name} is primary on timeline ${timeline}, after ${former.name}`,
    });
  }

  /** Undo of a fault on the primary: true when it has its role back, false when somebody else has it. */
  async #comeBack(primary: Member, revive: () => Promise<void>): Promise<boolean> {
    const phase = this.#phase;
    if (phase.name !== 'vacant' || phase.vacancy.lost !== primary) return false;
    if (!phase.vacancy.promoting) phase.vacancy.giveUp.abort();
    await phase.vacancy.failover;
    if (this.#phase !== phase) return false;
    await revive();
    await this.#takeBack(primary);
    return true;
  }

  /** Undo of what kept a server from running, or from being reached. */
  async #startWhereLost(member: Member): Promise<void> {
    await this.#comeBack(member, () => this.#bringUp(member));
    member.wake();
  }

  async #bringUp({ server }: Member): Promise<void> {
    if (server.state === 'stopped') await server.start();
    else await server.untilReady();
  }

  async #takeBack(primary: Member): Promise<void> {
    await this.#tended;
    await this.#beginReign(primary);
    this.#emit({
      type: 'primary:restarted',
      server: primary.name,
      detail: `${primary.name} is primary again, on the same timeline`,
    });
  }

  /** The hit server is over it when it follows somebody, or is primary again. */
  #hit(member: Member, undo: () => Promise<void>): Effect {
    return {
      undo,
      isOver: () =>
        this.#phase.name === 'reigning' &&
        (this.#phase.reign.primary === member || member.follows === this.#phase.reign),
    };
  }

  async #mostAdvancedFollower(): Promise<Member> {
    const phase = this.#phase;
    const followers = this.#members.filter(
      (member) => phase.name === 'reigning' && member.follows === phase.reign,
    );
    const ranked = await Promise.all(
      followers.map(async (member) => ({
        member,
        lsn: (await askPosition(member.server))?.received ?? null,
      })),
    );
    const [best] = ranked
      .filter(({ lsn }) => lsn !== null)
      .toSorted((a, b) => Number(parseLsn(b.lsn ?? '0/0') - parseLsn(a.lsn ?? '0/0')));
    if (best === undefined)
      throw new ClusterError(
        'fault-failed',
        'switchover: no standby follows the primary; start with replicas of 1 or more, or wait for one',
      );
    return best.member;
  }

  async #holdsLastWord(standby: Member, primary: Member): Promise<boolean> {
    const { cleanShutdown, checkpoint } = await readControlFile(primary.server.dataDirectory);
    if (!cleanShutdown) return false;
    const holds = await waitFor(
      async () => {
        const answer = await askPosition(standby.server);
        return answer?.replayed != null && parseLsn(answer.replayed) > checkpoint;
      },
      { timeoutMs: CAUGHT_UP_WITHIN_MS },
    );
    return holds === true;
  }

  #others(member: Member): Member[] {
    return this.#members.filter((other) => other !== member);
  }
}
