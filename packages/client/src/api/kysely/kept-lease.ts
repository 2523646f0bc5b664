import type { EndpointLease } from '../../endpoint/lease.ts';
import type { Route } from '../../execution/operation.ts';

/**
 * The connection that an operation ran on, kept when the operation has ended. An attempt that failed has its own given
 * back before the next one gets another.
 */
export class KeptLease {
  readonly #changesSession: boolean;
  #lease: EndpointLease | undefined;
  readonly route: Route;

  /** @param changesSession - whether what runs on it leaves something behind in the session: nobody else gets it then. */
  constructor(route: Route, changesSession: boolean) {
    this.#changesSession = changesSession;
    this.route = async (deadline, plan) => {
      this.giveBack();
      const lease = await route(deadline, plan);
      this.#lease = lease;
      return { ...lease, release: () => {} };
    };
  }

  /** Hands the lease on: it is the taker's to give back. */
  take(): EndpointLease {
    const lease = this.#lease;
    if (lease === undefined) throw new Error('the lease was given back');
    this.#lease = undefined;
    return lease;
  }

  giveBack(): void {
    if (this.#lease === undefined) return;
    const lease = this.take();
    if (this.#changesSession)
      lease.connection.wire.destroy(new Error('the state of its session was changed'));
    lease.release();
  }
}
