import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import type { Children } from '../../process/children.ts';
import type { Emit } from '../engine.ts';
import { cloneServer } from './clone.ts';
import type { ConfirmingStandbys } from './confirming-standbys.ts';
import { parseLsn } from '../lsn.ts';
import type { Member, Reign } from './member.ts';
import type { Partitions } from './partitions.ts';
import type { ReplayDelays } from './replay-delays.ts';
import type { ReplicationLinks } from './replication-links.ts';
import { askPosition, awaitStreaming, dropSlots, ensureSlot, timelineOf } from './replication.ts';

/** A standby that finds its primary streams within milliseconds. */
const STREAMING_WITHIN_MS = 10_000;
/** Before a delayed one is helped: it asks for WAL every 200 ms, if it asks at all. */
const DELAYED_STREAMING_WITHIN_MS = 1_000;
const RETRY_MS = 500;
/** How often a standby that seems well is looked at: one that lost its place in the WAL goes on running. */
const LOOK_MS = 5_000;

/** Keeps the standbys following, for one reign. */
export class Tending {
  readonly #reign: Reign;
  readonly #confirming: ConfirmingStandbys;
  readonly #links: ReplicationLinks;
  readonly #partitions: Partitions;
  readonly #delays: ReplayDelays;
  readonly #replicationPassword: string;
  readonly #children: Children;
  readonly #emit: Emit;
  readonly #onRolesChanged: () => void;

  constructor(
    reign: Reign,
    needs: {
      confirming: ConfirmingStandbys;
      links: ReplicationLinks;
      partitions: Partitions;
      delays: ReplayDelays;
      replicationPassword: string;
      children: Children;
      emit: Emit;
      onRolesChanged: () => void;
    },
  ) {
    this.#reign = reign;
    this.#confirming = needs.confirming;
    this.#links = needs.links;
    this.#partitions = needs.partitions;
    this.#delays = needs.delays;
    this.#replicationPassword = needs.replicationPassword;
    this.#children = needs.children;
    this.#emit = needs.emit;
    this.#onRolesChanged = needs.onRolesChanged;
  }

  /** Tends standbys until the reign is over. Never rejects. */
  async tendAll(members: readonly Member[]): Promise<void> {
    await Promise.all(members.map((member) => this.#tend(member)));
  }

  async #tend(member: Member): Promise<void> {
    const { signal } = this.#reign;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (!this.#isOutOfReach(member)) await this.#mend(member);
        failures = 0;
        await member.changed(LOOK_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (this.#isOutOfReach(member)) continue;
        failures += 1;
        this.#emit({ type: 'server:failed', server: member.name, detail: messageOf(error) });
        // What fails again with the same data is tried with other data.
        if (failures >= 2 && member.server.state !== 'running') member.diverged = true;
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /**
   * What the primary can't be asked, or can't get through, must not make a healthy standby look lost.
   * One that is cut off is left as it is until the cut is healed: it could follow nobody anyway. So is one
   * that ended for want of room: it needs no copy of its data, but room.
   */
  #isOutOfReach({ name, lacksRoom }: Member): boolean {
    const { postmasterFrozen, recovering } = this.#reign.primary.server;
    const cut =
      this.#links.isCut(name, this.#reign.primary.name) || this.#partitions.separate('control', name);
    return postmasterFrozen || recovering || lacksRoom || cut;
  }

  async #mend(member: Member): Promise<void> {
    const { primary, signal } = this.#reign;
    const { server } = member;
    if (server.state === 'frozen') return;
    await ensureSlot(primary.server, member.name);
    if (server.state === 'running' && member.follows === this.#reign && !member.diverged) {
      await this.#checkUp(member);
      return;
    }
    if (!member.diverged && server.state === 'running') await this.#turnAround(member);
    if (member.diverged) await this.#clone(member);
    const wasAway = member.server.state !== 'running';
    if (wasAway) await this.#start(member);
    if (!(await this.#streams(member))) {
      member.diverged ||= !this.#isOutOfReach(member);
      throw new Error(`${member.name} does not follow ${primary.name} and is cloned`);
    }
    // A delay that began while it was started may have missed it.
    if (wasAway) await this.#delays.apply(member);
    await this.#confirming.admit(member, primary, signal);
    member.follows = this.#reign;
    this.#onRolesChanged();
    const timeline = await timelineOf(primary.server);
    this.#emit({
      type: wasAway ? 'server:rejoined' : 'server:following',
      server: member.name,
      timeline,
      detail: `${member.name} follows ${primary.name}`,
    });
  }

  /** Points a running standby at the new primary. */
  async #turnAround(member: Member): Promise<void> {
    const { forkedAt } = this.#reign;
    if (member.toldToFollow === this.#reign) return;
    const replayed = (await askPosition(member.server))?.replayed;
    if (forkedAt !== undefined && replayed != null && parseLsn(replayed) > forkedAt) {
      // It has replayed what the new primary never had, and could only go further astray.
      member.diverged = true;
      return;
    }
    await member.server.configure(await this.#standbySettings(member));
    member.toldToFollow = this.#reign;
  }

  async #start(member: Member): Promise<void> {
    const { server } = member;
    // Begun in an earlier reign, it may wait for ever for WAL from a server that has none for it.
    if (server.state === 'starting') await server.kill();
    await server.configure(await this.#standbySettings(member));
    member.toldToFollow = this.#reign;
    await server.start(this.#reign.signal).catch(async (error: unknown) => {
      if (!this.#reign.signal.aborted) await server.kill();
      throw error;
    });
    // It may have been primary before.
    await dropSlots(server);
  }

  async #clone(member: Member): Promise<void> {
    const { primary, signal } = this.#reign;
    await member.server.kill();
    await this.#confirming.dismiss(member, primary, signal);
    this.#emit({
      type: 'server:cloning',
      server: member.name,
      detail: `${member.name} is cloned from ${primary.name}`,
    });
    member.server.markCloning(true);
    try {
      await cloneServer(primary.server, member.server, this.#children, signal);
      member.diverged = false;
    } finally {
      member.server.markCloning(false);
    }
  }

  async #checkUp(member: Member): Promise<void> {
    if (await this.#streams(member)) return;
    member.diverged ||= !this.#isOutOfReach(member);
    throw new Error(`${member.name} no longer follows ${this.#reign.primary.name} and is cloned`);
  }

  /**
   * A delayed standby that has lost its connection replays all it has, delays included, before it asks
   * for more (the startup process alone starts the receiver, once it needs WAL): it is let off that once.
   */
  async #streams(member: Member): Promise<boolean> {
    if (member.server.replayDelayMs === 0) return this.#streamsWithin(member, STREAMING_WITHIN_MS);
    if (await this.#streamsWithin(member, DELAYED_STREAMING_WITHIN_MS)) return true;
    await member.server.delayReplay(0);
    try {
      return await this.#streamsWithin(member, STREAMING_WITHIN_MS);
    } finally {
      await this.#delays.apply(member);
    }
  }

  #streamsWithin(member: Member, timeoutMs: number): Promise<boolean> {
    const { primary, signal } = this.#reign;
    return awaitStreaming(primary.server, [member.name], { confirming: false, timeoutMs, signal });
  }

  async #standbySettings(member: Member) {
    return {
      upstream: {
        address: await this.#links.between(member.server, this.#reign.primary.server),
        password: this.#replicationPassword,
        slot: member.name,
      },
      confirming: this.#confirming.settingsOfStandby,
    };
  }
}
