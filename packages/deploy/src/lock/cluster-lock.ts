import { DeployError } from '../errors/deploy-error.ts';
import { KubeRefusal } from '../errors/kube-refusal.ts';
import type { KubeApi } from '../kube/kube-api.ts';
import type { LiveObject } from '../kube/live-object.ts';
import { holderText, isDead } from './holder.ts';
import type { Holder } from './holder.ts';
import { LEASE, leaseObject, leaseRecord } from './lease.ts';
import type { LeaseRecord } from './lease.ts';

export interface LockPace {
  /** How long the lock outlives the last sign of life of its holder. */
  readonly lastsMs: number;
  readonly renewEveryMs: number;
  /** How long it is tried to give it back. */
  readonly releaseMs: number;
}

export const LOCK_PACE: LockPace = { lastsMs: 60_000, renewEveryMs: 15_000, releaseMs: 5_000 };

type State =
  | { readonly is: 'free' }
  | { readonly is: 'held'; readonly record: LeaseRecord; readonly lease: LiveObject }
  /** For good: what was planned is out of date. */
  | { readonly is: 'lost'; readonly to: string };

/**
 * Lets one run at a time change a cluster, from whichever machine. It is a Lease in the cluster that its holder renews. A
 * run that has died leaves one that ends by itself; where the dead process was on this machine, it is taken over at once.
 * All times are the API server's: two laptops need not agree.
 *
 * free → held (taken, renewed) → free (released); held → lost, when another run has taken it.
 */
export class ClusterLock {
  readonly #kube: KubeApi;
  readonly #holder: Holder;
  readonly #pace: LockPace;
  readonly #onTakenOver: (from: string) => void;
  #state: State = { is: 'free' };
  #timer: NodeJS.Timeout | undefined;
  /** One request at a time, or the two would be in each other's way. */
  #renewing: Promise<void> = Promise.resolve();

  /** @param options.onTakenOver - told who held it before, when that run is dead. */
  constructor(
    kube: KubeApi,
    holder: Holder,
    {
      pace = LOCK_PACE,
      onTakenOver = () => {},
    }: { readonly pace?: LockPace; readonly onTakenOver?: (from: string) => void } = {},
  ) {
    this.#kube = kube;
    this.#holder = holder;
    this.#pace = pace;
    this.#onTakenOver = onTakenOver;
  }

  /**
   * Whether it could be taken. Writes nothing.
   *
   * @throws DeployError where another run holds it.
   */
  async check(): Promise<void> {
    const observed = await this.#kube.get(LEASE);
    if (observed.state === 'found') this.#refuse(leaseRecord(observed.object));
  }

  /**
   * Takes it, or makes sure that it is still ours. To be called before each write.
   *
   * @returns whether it was taken just now: what was read before may be out of date.
   * @throws DeployError where another run holds it.
   */
  async hold(): Promise<'taken' | 'held'> {
    if (this.#state.is === 'free') {
      await this.#take();
      return 'taken';
    }
    const age = this.#state.is === 'held' ? this.#kube.now() - this.#state.record.renewedMs : 0;
    // The timer is late: the process, or the machine, has stood still.
    if (age > 2 * this.#pace.renewEveryMs) await this.#renew();
    if (this.#state.is === 'lost') throw new DeployError({ code: 'lock-lost', holder: this.#state.to });
    return 'held';
  }

  /** Gives it back, whatever has become of the run. Where that fails it ends by itself. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing.catch(() => {});
    if (this.#state.is !== 'held') return;
    const { uid, resourceVersion } = this.#state.lease.metadata;
    this.#state = { is: 'free' };
    const kube = this.#kube.withSignal(AbortSignal.timeout(this.#pace.releaseMs));
    await kube.delete(LEASE, { uid, resourceVersion }).catch(() => {});
  }

  async #take(): Promise<void> {
    for (;;) {
      const observed = await this.#kube.get(LEASE);
      const before = observed.state === 'found' ? observed.object : undefined;
      const record = before === undefined ? undefined : leaseRecord(before);
      if (record !== undefined) this.#refuse(record);
      const now = this.#kube.now();
      const mine: LeaseRecord = {
        holder: this.#holder,
        acquiredMs: now,
        renewedMs: now,
        durationMs: this.#pace.lastsMs,
        transitions: record === undefined ? 0 : record.transitions + 1,
      };
      if (!(await this.#written(mine, before))) continue;
      if (record !== undefined && record.holder.identity !== this.#holder.identity)
        this.#onTakenOver(holderText(record.holder.identity));
      this.#timer = setInterval(() => void this.#renew().catch(() => {}), this.#pace.renewEveryMs);
      this.#timer.unref();
      return;
    }
  }

  /** @returns whether it is ours now; false where another was quicker. */
  async #written(record: LeaseRecord, before: LiveObject | undefined): Promise<boolean> {
    const object = leaseObject(record, before?.metadata.resourceVersion);
    try {
      const lease = await (before === undefined
        ? this.#kube.create(LEASE, object)
        : this.#kube.replace(LEASE, object));
      this.#state = { is: 'held', record, lease };
      return true;
    } catch (error) {
      if (error instanceof KubeRefusal && [404, 409].includes(error.details.status)) return false;
      throw error;
    }
  }

  #renew(): Promise<void> {
    this.#renewing = this.#renewing.catch(() => {}).then(() => this.#renewed());
    return this.#renewing;
  }

  async #renewed(): Promise<void> {
    while (this.#state.is === 'held') {
      const { record, lease } = this.#state;
      if (await this.#written({ ...record, renewedMs: this.#kube.now() }, lease)) return;
      const observed = await this.#kube.get(LEASE);
      if (observed.state !== 'found') {
        // Somebody has deleted it by hand; whoever is quicker has it.
        if (await this.#written({ ...record, renewedMs: this.#kube.now() }, undefined)) return;
        continue;
      }
      const { holder } = leaseRecord(observed.object);
      // Ours in a version of which we have not heard: an answer was lost.
      this.#state =
        holder.identity === this.#holder.identity
          ? { is: 'held', record, lease: observed.object }
          : { is: 'lost', to: holderText(holder.identity) };
    }
  }

  /** @throws DeployError where this is another run's, and that one may be alive. */
  #refuse({ holder, acquiredMs, renewedMs, durationMs }: LeaseRecord): void {
    if (holder.identity === '' || holder.identity === this.#holder.identity) return;
    const silentMs = Math.max(0, this.#kube.now() - renewedMs);
    if (silentMs > durationMs || (holder.process !== undefined && isDead(holder.process))) return;
    throw new DeployError({
      code: 'locked',
      holder: holderText(holder.identity),
      sinceMs: acquiredMs,
      silentSeconds: Math.round(silentMs / 1_000),
      endsInSeconds: Math.ceil((durationMs - silentMs) / 1_000),
    });
  }
}
