import type { ClusterEvent, FaultStatus } from '../cluster.ts';
import type { Effect, Emit } from '../engine/engine.ts';
import { ClusterError } from '../errors.ts';
import { bandwidth } from './bandwidth.ts';
import { blackhole } from './blackhole.ts';
import { cutAfterCommit } from './cut-after-commit.ts';
import { cutAtMessage } from './cut-at-message.ts';
import type { ApplyFault, FaultScene } from './effect.ts';
import { checkFault } from './fault-options.ts';
import { optionsText } from './fault-text.ts';
import type { FaultName, FaultOptions } from './fault.ts';
import { latency } from './latency.ts';
import { limitData } from './limit-data.ts';
import { refuse } from './refuse.ts';
import { resetPeer } from './reset-peer.ts';
import { slicer } from './slicer.ts';
import { stalePooler } from './stale-pooler.ts';
import { twoMasters } from './two-masters.ts';

/** What is done at the virtual IPs and to the poolers; all else is the engine's. */
const FAULTS: Partial<Record<FaultName, ApplyFault>> = {
  refuse,
  reset_peer: resetPeer,
  blackhole,
  latency,
  bandwidth,
  slicer,
  limit_data: limitData,
  'two-masters': twoMasters,
  'stale-pooler': stalePooler,
  'cut-after-commit': cutAfterCommit,
  'cut-at-message': cutAtMessage,
};

/** Which faults are in force: applied one by one, each with its events, each undone once. */
export class FaultBook {
  readonly #scene: FaultScene;
  readonly #emit: Emit;
  readonly #inForce = new Map<string, { status: FaultStatus; effect: Effect }>();
  #count = 0;

  constructor(scene: FaultScene, emit: Emit) {
    this.#scene = scene;
    this.#emit = emit;
  }

  list(): FaultStatus[] {
    return [...this.#inForce.values()].map(({ status }) => status);
  }

  async apply(givenName: unknown, givenOptions: FaultOptions = {}): Promise<FaultStatus> {
    const { name, options } = checkFault(givenName, givenOptions);
    const id = `${name}-${(this.#count += 1)}`;
    let status: FaultStatus | undefined;
    const announce = (target: string, note = optionsText(name, options)) => {
      status = { id, name, target, appliedAt: Date.now() };
      this.#report(
        'fault:applied',
        status,
        status.appliedAt,
        `${name} hits ${target}${note === '' ? '' : ` (${note})`}`,
      );
    };
    const apply = FAULTS[name];
    const strike = this.#scene.engine.faults[name];
    let effect: Effect;
    if (apply !== undefined) effect = await apply(this.#scene, options, announce, id);
    else if (strike !== undefined) effect = await strike(options, announce);
    else throw new ClusterError('fault-failed', `${name}: this cluster's engine does not have it`);
    if (status === undefined) throw new Error(`${name} did not say whom it hit`);
    this.#inForce.set(id, { status, effect });
    this.sweep();
    return status;
  }

  async undo(id: string): Promise<void> {
    const entry = this.#inForce.get(id);
    if (entry === undefined) {
      // Ended by itself or undone before: both are what the caller wants.
      if (/^[a-z_-]+-\d+$/.test(id) && Number(id.split('-').at(-1)) <= this.#count) return;
      const known = [...this.#inForce.keys()].join(', ') || 'none';
      throw new ClusterError('bad-option', `no fault ${JSON.stringify(id)} is in force (in force: ${known})`);
    }
    this.#inForce.delete(id);
    await entry.effect.undo();
    this.#report(
      'fault:undone',
      entry.status,
      Date.now(),
      `${entry.status.name} on ${entry.status.target} is undone`,
    );
  }

  async undoAll(): Promise<void> {
    // The last first, as scopes are left.
    for (const id of [...this.#inForce.keys()].toReversed()) await this.undo(id);
  }

  /** Strikes off what has ended by itself; called whenever roles may have changed. */
  sweep(): void {
    for (const [id, { status, effect }] of this.#inForce) {
      if (effect.isOver?.() !== true) continue;
      this.#inForce.delete(id);
      this.#report(
        'fault:undone',
        status,
        Date.now(),
        `${status.name} on ${status.target} has ended by itself`,
      );
    }
  }

  #report(type: ClusterEvent['type'], { id, name, target }: FaultStatus, at: number, detail: string): void {
    this.#emit({ type, at, detail, fault: { id, name, target } });
  }
}
