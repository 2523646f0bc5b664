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
import type { ResolvedOptions } from '../../options.ts';
import type { Children } from '../../process/children.ts';
import type { Emit, Engine, EngineStatus } from '../engine.ts';
import { askStatus } from '../server-status.ts';
import { ConfirmingStandbys } from './confirming-standbys.ts';
import { electStandby } from './election.ts';
import type { Member, Reign } from './member.ts';
import { partition } from './partition-fault.ts';
import { Partitions } from './partitions.ts';
import { ReplayDelays } from './replay-delays.ts';
import { ReplicationLinks } from './replication-links.ts';
import { forkOf, promote, timelineOf } from './replication.ts';
import type { EmbeddedScene, Vacancy } from './scene.ts';
import { serverFaults } from './server-faults.ts';
import { cutReplication, lag, type StandbyScene } from './standby-faults.ts';
import { Tending } from './tending.ts';

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

export class EmbeddedEngine implements Engine, EmbeddedScene {
  readonly options: ResolvedOptions;
  readonly members: readonly Member[];
  readonly children: Children;
  readonly #replicationPassword: string;
  readonly #emit: Emit;
  readonly #onRolesChanged: () => Promise<void>;
  readonly #confirming: ConfirmingStandbys;
  readonly links = new ReplicationLinks();
  readonly partitions = new Partitions();
  readonly beyond = new Set<Member>();
  readonly delays = new ReplayDelays();
  readonly faults: Engine['faults'] = {
    ...serverFaults(this),
    partition: (options, announce) => partition(this, options, announce),
    lag: (options, announce) => lag(this.#standbyScene('lag'), options, this.delays, announce),
    'cut-replication': (options, announce) =>
      cutReplication(this.#standbyScene('cut-replication'), options, this.links, announce),
  };
  #phase: Phase = { name: 'stopped' };
  /** Who was primary before the present one; undefined before the first failover. */
  #former: Member | undefined;
  /** The tending of the current or last reign; a vacancy waits until it has let go. */
  #tended: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(needs: EmbeddedEngineNeeds) {
    this.options = needs.options;
    this.members = needs.members;
    this.children = needs.children;
    this.#replicationPassword = needs.replicationPassword;
    this.#emit = needs.emit;
    this.#onRolesChanged = needs.onRolesChanged;
    this.#confirming = new ConfirmingStandbys(needs.options.synchronous);
    for (const member of this.members) member.server.onLost = () => void this.#lost(member);
  }

  get servers(): readonly ServerAddress[] {
    return this.members.map(({ name, server }) => ({ name, ...server.address }));
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
    await Promise.all(this.members.map(({ server }) => server.stop('immediate')));
    await this.links.close();
  }

  backends(role: 'primary' | 'standby'): ServerAddress[] {
    const holder = this.#holder();
    const members =
      role === 'primary'
        ? this.members.filter((member) => member === holder && member.server.listens)
        : this.members.filter(
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
    return this.partitions.separate('clients', server);
  }

  async status(): Promise<EngineStatus> {
    const phase = this.#phase;
    const answers = await Promise.all(this.members.map(({ server }) => askStatus(server)));
    const primary = phase.name === 'reigning' ? phase.reign.primary : undefined;
    const primaryAnswer = primary === undefined ? undefined : answers[this.members.indexOf(primary)];
    return {
      servers: this.members.map(({ name, server }, index) => {
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

  requirePrimary(fault: string): Member {
    if (this.#phase.name === 'reigning') return this.#phase.reign.primary;
    throw new ClusterError(
      'fault-failed',
      `${fault}: there is no primary right now; wait until one is promoted`,
    );
  }

  reigns(member: Member): boolean {
    return this.#phase.name === 'reigning' && this.#phase.reign.primary === member;
  }

  follows(member: Member): boolean {
    return this.#phase.name === 'reigning' && member.follows === this.#phase.reign;
  }

  tended(): Promise<unknown> {
    return this.#tended;
  }

  rolesChanged(): Promise<void> {
    return this.#onRolesChanged();
  }

  bringBack(primary: Member): Promise<boolean> {
    return this.comeBack(primary, () => this.#bringUp(primary));
  }

  #standbyScene(fault: string): StandbyScene {
    return { members: this.members, primary: this.requirePrimary(fault) };
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
      links: this.links,
      partitions: this.partitions,
      delays: this.delays,
      replicationPassword: this.#replicationPassword,
      children: this.children,
      emit: this.#emit,
      onRolesChanged: () => void this.#onRolesChanged(),
    });
    this.#tended = tending.tendAll(standbys);
  }

  vacate(primary: Member): Vacancy {
    return this.#vacate(primary, true);
  }

  #vacate(lost: Member, byFault: boolean): Vacancy {
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

  async reportLoss(primary: Member, detail: string): Promise<void> {
    await this.#onRolesChanged();
    this.#emit({ type: 'primary:lost', server: primary.name, detail });
  }

  /** A server ended by itself; nothing of it is left. */
  async #lost(member: Member): Promise<void> {
    const phase = this.#phase;
    if (phase.name === 'reigning' && phase.reign.primary === member) {
      const vacancy = this.#vacate(member, false);
      await this.reportLoss(member, `${member.name} ended`);
      this.failOver(vacancy);
      return;
    }
    if (phase.name === 'stopped') return;
    this.#emit({ type: 'server:lost', server: member.name, detail: `${member.name} ended` });
    await this.#onRolesChanged();
    member.wake();
  }

  failOver(vacancy: Vacancy, delayMs = this.options.promoteAfterMs): void {
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
    if (delayMs === false || this.members.length === 1) {
      // Nobody else can have the role. Where a fault took it, undo gives it back.
      if ((delayMs === false && vacancy.byFault) || this.beyond.has(lost)) return;
      await lost.server.start(signal);
      await this.takeBack(lost);
      return;
    }
    await this.#tended;
    const successor = await electStandby(this.#others(lost), {
      confirming: this.#confirming,
      synchronous: this.options.synchronous,
      reaches: ({ name }) => !this.partitions.separate('control', name),
      signal,
      onBlocked: (why) => this.#block(vacancy, why),
    });
    if (signal.aborted) return;
    vacancy.promoting = true;
    lost.diverged = true;
    await this.promote(successor, lost);
  }

  #block(vacancy: Vacancy, why: string): void {
    if (vacancy.blocked === why) return;
    vacancy.blocked = why;
    this.#emit({ type: 'promotion:blocked', server: vacancy.lost.name, detail: `no promotion: ${why}` });
  }

  async promote(successor: Member, former: Member): Promise<void> {
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

  async comeBack(primary: Member, revive: () => Promise<void>): Promise<boolean> {
    const phase = this.#phase;
    if (phase.name !== 'vacant' || phase.vacancy.lost !== primary) return false;
    if (!phase.vacancy.promoting) phase.vacancy.giveUp.abort();
    await phase.vacancy.failover;
    if (this.#phase !== phase) return false;
    await revive();
    await this.takeBack(primary);
    return true;
  }

  async startWhereLost(member: Member): Promise<void> {
    await this.bringBack(member);
    member.wake();
  }

  async #bringUp({ server }: Member): Promise<void> {
    if (server.state === 'stopped') await server.start();
    else await server.untilReady();
  }

  async takeBack(primary: Member): Promise<void> {
    await this.#tended;
    await this.#beginReign(primary);
    this.#emit({
      type: 'primary:restarted',
      server: primary.name,
      detail: `${primary.name} is primary again, on the same timeline`,
    });
  }

  #others(member: Member): Member[] {
    return this.members.filter((other) => other !== member);
  }
}
