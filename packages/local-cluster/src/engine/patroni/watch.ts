import { setTimeout as sleep } from 'node:timers/promises';
import type { Emit } from '../engine.ts';
import type { PatroniNode } from './patroni-node.ts';

const LOOK_MS = 200;
/** How long an agent may take to answer: on a busy machine one that is well needs a while. */
const ANSWER_MS = 2_000;
/** Of a primary that does not say so any more: as often as HAProxy asks before it believes it. */
const DENIALS = 2;

export interface WatchNeeds {
  nodes: readonly PatroniNode[];
  emit: Emit;
  /** A node was seen to be primary: it has the lease, and its server runs as one. */
  onPrimary: (node: PatroniNode) => void;
  /** The primary's server is gone, or its agent denies the role or does not answer. */
  onPrimaryLost: (node: PatroniNode, why: string) => void;
  /** Called after each look. */
  onLook: () => void;
}

/** Looks at every node again and again, and tells what has changed with it. */
export class Watch {
  readonly #needs: WatchNeeds;
  readonly #end = new AbortController();
  readonly #looking: Promise<void>[];
  readonly #denials = new Map<PatroniNode, number>();
  readonly #following = new Set<PatroniNode>();
  /** Ran when it was last looked at. */
  readonly #running = new Set<PatroniNode>();
  readonly #cloning = new Set<PatroniNode>();
  /** Was not running since it last followed. */
  readonly #away: Set<PatroniNode>;
  #primary: PatroniNode | undefined;

  constructor(needs: WatchNeeds) {
    this.#needs = needs;
    this.#away = new Set(needs.nodes);
    this.#looking = needs.nodes.map((node) => this.#watch(node));
  }

  /** Streams from the primary of the moment. */
  follows(node: PatroniNode): boolean {
    return this.#following.has(node);
  }

  /** Nobody follows a primary that is lost. */
  primaryIs(node: PatroniNode | undefined): void {
    this.#primary = node;
    this.#denials.clear();
    this.#following.clear();
    if (node !== undefined) this.#away.delete(node);
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#looking);
  }

  async #watch(node: PatroniNode): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await node.look(ANSWER_MS);
      if (signal.aborted) return;
      this.#judgeRole(node);
      this.#judgeServer(node);
      if (node === this.#primary) this.#judgeStandbys(node);
      this.#needs.onLook();
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  #judgeRole(node: PatroniNode): void {
    const { answer } = node;
    const runs = node.postmaster() !== undefined;
    const reigns = runs && answer?.leads === true && answer.state === 'running' && isPrimary(answer.role);
    if (reigns) {
      this.#denials.delete(node);
      this.#needs.onPrimary(node);
      return;
    }
    if (node !== this.#primary) return;
    if (!runs && !node.frozen) {
      this.#needs.onPrimaryLost(node, `${node.name} ended`);
      return;
    }
    // One that recovers in place keeps the lease, and with it its role.
    if (answer?.leads === true) {
      this.#denials.delete(node);
      return;
    }
    const denials = (this.#denials.get(node) ?? 0) + 1;
    this.#denials.set(node, denials);
    if (denials < DENIALS) return;
    const why = answer === undefined ? 'is silent about' : 'gives up';
    this.#needs.onPrimaryLost(node, `the agent of ${node.name} ${why} its role`);
  }

  #judgeServer(node: PatroniNode): void {
    const { emit } = this.#needs;
    const runs = node.postmaster() !== undefined;
    if (!runs && this.#running.has(node)) {
      this.#away.add(node);
      const wasStandby = this.#following.delete(node);
      if (wasStandby) emit({ type: 'server:lost', server: node.name, detail: `${node.name} ended` });
    }
    if (runs) this.#running.add(node);
    else this.#running.delete(node);
    const clones = node.state === 'cloning';
    if (clones && !this.#cloning.has(node))
      emit({ type: 'server:cloning', server: node.name, detail: `${node.name} is cloned` });
    if (clones) this.#cloning.add(node);
    else this.#cloning.delete(node);
  }

  #judgeStandbys(primary: PatroniNode): void {
    const { answer } = primary;
    if (answer?.leads !== true || !isPrimary(answer.role)) return;
    for (const node of this.#needs.nodes) {
      if (node === primary) continue;
      const streams = answer.streaming.includes(node.name) && node.state === 'running';
      if (!streams) this.#following.delete(node);
      if (!streams || this.#following.has(node)) continue;
      this.#following.add(node);
      const wasAway = this.#away.delete(node);
      this.#needs.emit({
        type: wasAway ? 'server:rejoined' : 'server:following',
        server: node.name,
        ...(answer.timeline === null ? {} : { timeline: answer.timeline }),
        detail: `${node.name} follows ${primary.name}`,
      });
    }
  }
}

/** Patroni 3 says `master`, later ones `primary`. */
function isPrimary(role: string): boolean {
  return role === 'master' || role === 'primary';
}
