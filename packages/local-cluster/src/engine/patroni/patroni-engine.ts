/**
 * Who is primary is Patroni's business; this engine watches, tells, and does harm.
 *
 * reigning: a node was seen with the leader's lease and its server running as a primary.
 * vacant: its server is gone, its agent denies the role or is silent, or a fault has just struck it.
 *
 * vacant -> reigning when a node is seen so again, the same or another. A server that was lost because
 * it is restarted or killed does not count as back until another process runs in its place.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerAddress } from '../../cluster.ts';
import { ClusterError, messageOf } from '../../errors.ts';
import type { ResolvedOptions } from '../../options.ts';
import { waitFor } from '../../process/wait.ts';
import type { Address } from '../../endpoint.ts';
import type { Emit, Engine, EngineStatus } from '../engine.ts';
import { askStatus } from '../server-status.ts';
import { agentFaults } from './agent-faults.ts';
import type { Balancer } from './balancer.ts';
import { ttlOf } from './configuration.ts';
import type { Etcd } from './etcd.ts';
import type { NodeNetwork } from './network.ts';
import { networkFaults } from './network-faults.ts';
import type { PatroniNode } from './patroni-node.ts';
import type { PatroniScene } from './scene.ts';
import { serverFaults } from './server-faults.ts';
import { Watch } from './watch.ts';

/** As an init system would. */
const RESTART_MS = 1_000;
/** How long HAProxy may take to find the new primary before it is reported nevertheless. */
const ROUTED_WITHIN_MS = 5_000;
const ANSWER_MS = 2_000;
/** In every failover there is a moment in which nobody could take over any more. */
const BLOCKED_MS = 5_000;
/** Beyond any failover: the lease, a recovery of what a busy minute wrote, a slow machine. */
const PRIMARY_WITHIN_MS = 120_000;

export interface PatroniEngineNeeds {
  options: ResolvedOptions;
  nodes: readonly PatroniNode[];
  etcd: Etcd;
  network: NodeNetwork;
  balancer: Balancer;
  emit: Emit;
  /** Called when HAProxy leads elsewhere; resolves when the virtual IPs know. */
  onRolesChanged: () => Promise<void>;
}

export class PatroniEngine implements Engine, PatroniScene {
  readonly nodes: readonly PatroniNode[];
  readonly etcd: Etcd;
  readonly network: NodeNetwork;
  readonly faults: Engine['faults'];
  readonly #options: ResolvedOptions;
  readonly #balancer: Balancer;
  readonly #emit: Emit;
  readonly #onRolesChanged: () => Promise<void>;
  readonly #end = new AbortController();
  /** Agents that a fault keeps from running. */
  readonly #down = new Set<PatroniNode>();
  /** Nodes that crashed, to be started once somebody else is primary. */
  readonly #crashed = new Set<PatroniNode>();
  #watch: Watch | undefined;
  #primary: PatroniNode | undefined;
  /** The present primary, or the last one, and its timeline. */
  #latest: { node: PatroniNode; timeline: number | null } | undefined;
  /** Who was primary before the present one. */
  #former: PatroniNode | undefined;
  /** The process of a lost server that must be gone before the node counts as primary again. */
  #outgoing: { node: PatroniNode; pid: number } | undefined;
  /** Why nobody is promoted, since when, and whether it was told. */
  #blocked: { why: string; since: number; told: boolean } | undefined;
  #announcing: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(needs: PatroniEngineNeeds) {
    this.nodes = needs.nodes;
    this.etcd = needs.etcd;
    this.network = needs.network;
    this.#options = needs.options;
    this.#balancer = needs.balancer;
    this.#emit = needs.emit;
    this.#onRolesChanged = needs.onRolesChanged;
    this.faults = { ...serverFaults(this), ...agentFaults(this), ...networkFaults(this) };
    for (const node of this.nodes) node.onAgentLost = () => void this.#agentLost(node);
  }

  get servers(): readonly ServerAddress[] {
    return this.nodes.map(addressOf);
  }

  get primary(): PatroniNode | undefined {
    return this.#primary;
  }

  /** From here on roles are known and told. */
  begin(): void {
    this.#watch = new Watch({
      nodes: this.nodes,
      emit: this.#emit,
      onPrimary: (node) => this.#seenAsPrimary(node),
      onPrimaryLost: (node, why) => this.lose(node, why),
      // A fault may have ended with what was seen.
      onLook: () => {
        this.#judgeVacancy();
        void this.#onRolesChanged();
      },
    });
  }

  /** Twice is fine. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#end.abort();
    await this.#watch?.stop();
    await this.#announcing;
    await this.#balancer.stop();
    // The data is deleted next: nothing is worth an orderly end.
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.etcd.kill();
    await this.network.close();
  }

  backends(role: 'primary' | 'standby'): ServerAddress[] {
    const up = this.#balancer.up(role);
    return this.nodes.filter(({ name }) => up.includes(name)).map(addressOf);
  }

  entrance(role: 'primary' | 'standby'): Address {
    return this.#balancer.addressOf(role);
  }

  connectionsTo(name: string): number {
    return this.network.connectionsTo(name);
  }

  demoted(): ServerAddress | undefined {
    const demoted = this.#primary === undefined ? this.#latest?.node : this.#former;
    const standby = this.nodes.find((node) => node !== this.#primary);
    const found = demoted ?? standby;
    return found === undefined ? undefined : addressOf(found);
  }

  async status(): Promise<EngineStatus> {
    const answers = await Promise.all(this.nodes.map((node) => askStatus(node)));
    const primary = this.#primary;
    const primaryAnswer = primary === undefined ? undefined : answers[this.nodes.indexOf(primary)];
    // Asked after the server: one that was promoted has taken the record of its predecessor back before.
    const promotable =
      primary === undefined || !this.#options.synchronous
        ? []
        : await primary.agent.synchronousStandbys(ANSWER_MS);
    return {
      servers: this.nodes.map((node, index) => {
        const answer = answers[index];
        return {
          ...addressOf(node),
          state: node.state,
          role: answer === undefined ? 'unknown' : answer.primary ? 'primary' : 'standby',
          timeline: answer?.timeline ?? null,
          lsn: answer?.lsn ?? null,
          // What PostgreSQL waits for is not yet what Patroni would promote.
          synchronous:
            primaryAnswer?.synchronous.includes(node.name) === true && promotable.includes(node.name),
        };
      }),
      primary: primary?.name ?? null,
      timeline: primaryAnswer?.timeline ?? null,
      blocked: this.#blocked?.told === true ? this.#blocked.why : null,
    };
  }

  requirePrimary(fault: string): PatroniNode {
    if (this.#primary !== undefined) return this.#primary;
    throw new ClusterError(
      'fault-failed',
      `${fault}: there is no primary right now; wait until one is promoted`,
    );
  }

  isBack(node: PatroniNode): boolean {
    return this.#primary === node || this.#watch?.follows(node) === true;
  }

  lose(node: PatroniNode, why: string, outgoing?: number): void {
    if (this.#primary !== node) return;
    this.#primary = undefined;
    this.#outgoing = outgoing === undefined ? undefined : { node, pid: outgoing };
    this.#watch?.primaryIs(undefined);
    this.#emit({ type: 'primary:lost', server: node.name, detail: why });
  }

  /** What was to end goes on after all. */
  stays(): void {
    this.#outgoing = undefined;
  }

  async untilPrimary(fault: string, isWanted: (node: PatroniNode) => boolean): Promise<void> {
    const found = await waitFor(() => this.#primary !== undefined && isWanted(this.#primary), {
      timeoutMs: PRIMARY_WITHIN_MS,
      signal: this.#end.signal,
    });
    await this.#announcing;
    if (found === undefined)
      throw new ClusterError('fault-failed', `${fault}: no primary within ${PRIMARY_WITHIN_MS} ms`);
  }

  leaseMayBeOver(sinceMs: number): boolean {
    // Renewed every second or so; half of it is far from both ends.
    return performance.now() - sinceMs > (ttlOf(this.#options) * 1_000) / 2;
  }

  keepDown(node: PatroniNode): void {
    this.#down.add(node);
  }

  async letUp(node: PatroniNode): Promise<void> {
    this.#down.delete(node);
    this.#crashed.delete(node);
    if (this.#stopped === undefined) await node.startAgent();
  }

  /** With nobody to take over it would stay away for ever: it is back after what a failover would take. */
  startAfterFailover(node: PatroniNode): void {
    this.keepDown(node);
    this.#crashed.add(node);
    if (this.nodes.length > 1) return;
    void sleep(ttlOf(this.#options) * 1_000, undefined, { signal: this.#end.signal }).then(
      () => (this.#crashed.has(node) ? this.letUp(node) : undefined),
      () => undefined,
    );
  }

  /** Called when HAProxy has nodes up or down. */
  balancerChanged(): void {
    void this.#onRolesChanged();
  }

  #seenAsPrimary(node: PatroniNode): void {
    if (node === this.#primary || this.#end.signal.aborted) return;
    const outgoing = this.#outgoing;
    if (outgoing?.node === node && outgoing.pid === node.postmaster()?.pid) return;
    const timeline = node.answer?.timeline ?? null;
    // One that was cut off goes by its own clock: for a moment two may believe to have the lease.
    const older = timeline !== null && timeline < (this.#latest?.timeline ?? 0);
    if (older && this.#primary?.answer?.leads === true) return;
    if (this.#primary !== undefined)
      this.lose(this.#primary, `${this.#primary.name} hands over to ${node.name}`);
    const before = this.#latest;
    this.#primary = node;
    this.#outgoing = undefined;
    this.#latest = { node, timeline };
    this.#watch?.primaryIs(node);
    const promoted = before?.node !== node || before.timeline !== timeline;
    if (before !== undefined && before.node !== node) this.#former = before.node;
    for (const crashed of this.#crashed) if (crashed !== node) void this.letUp(crashed);
    this.#announcing = this.#announcing.then(() => this.#announce(node, timeline, before?.node, promoted));
  }

  /** A client that hears of it and connects finds it. */
  async #announce(
    node: PatroniNode,
    timeline: number | null,
    before: PatroniNode | undefined,
    promoted: boolean,
  ): Promise<void> {
    const { signal } = this.#end;
    // For a moment HAProxy leads to the one before as well.
    const isAlone = () => this.#balancer.up('primary').join() === node.name;
    await waitFor(() => isAlone() || this.#primary !== node, {
      timeoutMs: ROUTED_WITHIN_MS,
      signal,
    }).catch(() => undefined);
    if (signal.aborted) return;
    await this.#onRolesChanged();
    // The one that the cluster began with.
    if (before === undefined) return;
    this.#emit({
      type: promoted ? 'primary:promoted' : 'primary:restarted',
      server: node.name,
      ...(timeline === null ? {} : { timeline }),
      detail:
        before !== node
          ? `${node.name} is primary on timeline ${timeline}, after ${before.name}`
          : `${node.name} is primary again, on ${promoted ? `timeline ${timeline}` : 'the same timeline'}`,
    });
  }

  async #agentLost(node: PatroniNode): Promise<void> {
    const { signal } = this.#end;
    if (signal.aborted || this.#down.has(node)) return;
    this.#emit({
      type: 'server:failed',
      server: node.name,
      detail: `the agent of ${node.name} ended and is started again: ${node.lastWords()}`,
    });
    try {
      await sleep(RESTART_MS, undefined, { signal });
      if (!this.#down.has(node)) await node.startAgent();
    } catch (error) {
      if (!signal.aborted) this.#emit({ type: 'server:failed', server: node.name, detail: messageOf(error) });
    }
  }

  #judgeVacancy(): void {
    const why = this.#primary === undefined ? this.#whyNobody() : undefined;
    if (why === undefined) this.#blocked = undefined;
    else if (this.#blocked?.why !== why) this.#blocked = { why, since: performance.now(), told: false };
    const blocked = this.#blocked;
    if (blocked === undefined || blocked.told || performance.now() - blocked.since < BLOCKED_MS) return;
    blocked.told = true;
    const lost = this.#latest?.node.name;
    this.#emit({
      type: 'promotion:blocked',
      ...(lost === undefined ? {} : { server: lost }),
      detail: `no promotion: ${blocked.why}`,
    });
  }

  #whyNobody(): string | undefined {
    if (!this.etcd.running) return 'etcd is lost, and without it nobody has the role';
    const answers = this.nodes.flatMap(({ answer }) => answer ?? []);
    if (answers.some(({ paused }) => paused)) return 'Patroni is paused, and promotes nobody';
    if (!this.#options.synchronous || answers.some(({ synchronous }) => synchronous)) return undefined;
    return 'no standby is left that must hold every acknowledged commit';
  }
}

function addressOf({ name, address }: PatroniNode): ServerAddress {
  return { name, ...address };
}
