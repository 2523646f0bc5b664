/**
 * Which endpoint serves an attempt. Direct endpoints come first: a pooler takes over where they are saturated, or the
 * other way round with `prefer: 'pooler'`. Whatever can't be used is passed over; where nothing can, callers wait for whichever
 * can be used first.
 */
import { EndpointDownError } from '../errors/connection-errors.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { Endpoints } from '../endpoint/endpoints.ts';
import type { EndpointLease } from '../endpoint/lease.ts';
import type { AttemptPlan, Route } from '../execution/operation.ts';
import type { Deadline } from '../runtime/deadline.ts';

export interface RouteOptions {
  readonly prefer: 'direct' | 'pooler';
  readonly readOnlyWhenNoPrimary: boolean;
}

export class Routes {
  readonly #endpoints: Endpoints;
  readonly #options: RouteOptions;

  constructor(endpoints: Endpoints, options: RouteOptions) {
    this.#endpoints = endpoints;
    this.#options = options;
  }

  /** For everything that writes. */
  readonly toPrimary: Route = (deadline, plan) => this.#firstOf([this.#primary(plan)], deadline);

  /**
   * To a replica; to the primary where there is none, none can be reached, a replica has just failed this read and
   * the master works, or the replica does not hold enough.
   */
  readonly toReplica: Route = (deadline, plan) => {
    if (plan.needs.has('fresh')) return this.toPrimaryForRead(deadline, plan);
    const turnOfMaster = plan.attempt % 2 === 0 && this.#endpoints.master.usable;
    if (plan.needs.has('primary') || turnOfMaster) return this.toPrimary(deadline, plan);
    return this.#firstOf([this.#replicas(plan), this.#primary(plan)], deadline);
  };

  /** For reads that must see what was written: to the primary, or to a replica where that is better than no answer. */
  readonly toPrimaryForRead: Route = async (deadline, plan) => {
    const { readOnlyWhenNoPrimary } = this.#options;
    if (!readOnlyWhenNoPrimary || plan.needs.has('primary')) return this.toPrimary(deadline, plan);
    const primary = this.#primary(plan);
    for (const endpoint of primary.filter(({ usable }) => usable)) {
      const lease = await acquireUnlessDown(endpoint, deadline);
      if (lease !== undefined) return lease;
    }
    // One that works may have refused: it could not open another connection.
    if (primary.some(({ usable }) => usable)) return this.toPrimary(deadline, plan);
    return this.#firstOf([primary, this.#replicas(plan)], deadline);
  };

  #primary(plan: AttemptPlan): readonly Endpoint[] {
    return this.#inOrder(this.#endpoints.master, this.#endpoints.masterPooler, plan);
  }

  #replicas(plan: AttemptPlan): readonly Endpoint[] {
    return this.#inOrder(this.#endpoints.replica, this.#endpoints.replicaPooler, plan);
  }

  /** The preferred one first, unless its callers must wait. */
  #inOrder(
    direct: Endpoint | undefined,
    pooler: Endpoint | undefined,
    plan: AttemptPlan,
  ): readonly Endpoint[] {
    const both = this.#options.prefer === 'pooler' ? [pooler, direct] : [direct, pooler];
    const allowed = plan.needs.has('direct') ? [direct] : both;
    const existing = allowed.filter((each) => each !== undefined);
    return existing.toSorted((a, b) => Number(a.saturated) - Number(b.saturated));
  }

  /** From the first that works; where none does, from whichever works first. */
  async #firstOf(groups: readonly (readonly Endpoint[])[], deadline: Deadline): Promise<EndpointLease> {
    const all = groups.flat();
    const { master } = this.#endpoints;
    if (all.length === 1) return master.acquire(deadline);
    for (const endpoint of all.filter(({ usable }) => usable)) {
      const lease = await acquireUnlessDown(endpoint, deadline);
      if (lease !== undefined) return lease;
    }
    return this.#whicheverIsFirst(all, deadline);
  }

  /** Waits in all lines at once, and leaves the others when one is served. The master's word decides on failure. */
  #whicheverIsFirst(endpoints: readonly Endpoint[], deadline: Deadline): Promise<EndpointLease> {
    const served = new AbortController();
    return new Promise((resolve, reject) => {
      for (const endpoint of endpoints) {
        endpoint.acquire(deadline, { signal: served.signal }).then(
          (lease) => {
            if (served.signal.aborted) lease.release();
            else {
              served.abort();
              resolve(lease);
            }
          },
          (error: unknown) => {
            if (endpoint !== this.#endpoints.master) return;
            reject(error);
            served.abort();
          },
        );
      }
    });
  }
}

async function acquireUnlessDown(endpoint: Endpoint, deadline: Deadline): Promise<EndpointLease | undefined> {
  try {
    return await endpoint.acquire(deadline, { impatient: true });
  } catch (error) {
    if (error instanceof EndpointDownError) return undefined;
    throw error;
  }
}
