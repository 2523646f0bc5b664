/**
 * Invariant 4 of design.md 3.9: a session never reads something older than what it has read or written; and what the
 * options promise beside that. Judged by rows and the commits that wrote them: whatever the cluster itself has lost
 * in a failover nobody can read again.
 */
import type { Cluster } from './model/cluster.ts';
import type { Row, ScanObserver } from './operation-observers.ts';
import type { Ended } from './outcomes.ts';
import { keysOf } from './operations.ts';
import type { OperationPlan, Schedule } from './schedule.ts';
import type { SimTime } from './time.ts';

export interface GuaranteeObserver {
  violate(invariant: string, detail: string): void;
  occurred(name: string): void;
}

/** What somebody has a right to see. */
class Known {
  /** Of what was written. */
  readonly keys: Set<string>;
  /** Of what was read. */
  readonly versions: Set<string>;

  constructor(from?: Known) {
    this.keys = new Set(from?.keys);
    this.versions = new Set(from?.versions);
  }
}

export class Guarantees {
  readonly #time: SimTime;
  readonly #schedule: Schedule;
  readonly #cluster: Cluster;
  readonly #observer: GuaranteeObserver;
  /** What was written through the client, and when its caller was told. */
  readonly #written = new Map<string, number>();
  readonly #sessions = new Map<string, Known>();

  constructor(schedule: Schedule, time: SimTime, cluster: Cluster, observer: GuaranteeObserver) {
    this.#schedule = schedule;
    this.#time = time;
    this.#cluster = cluster;
    this.#observer = observer;
  }

  /** The session goes on from its token: what is under way in it is not its own any more. */
  handedOver(session: string): void {
    this.#sessions.set(session, new Known(this.#sessions.get(session)));
  }

  /** Follows one operation, which begins now. */
  follow(plan: OperationPlan): ScanObserver & { ended(ended: Ended): void } {
    const known = plan.session === undefined ? undefined : this.#known(plan.session);
    const wrote = (_plan: OperationPlan, keys: readonly string[] = keysOf(plan)) => {
      for (const key of keys) {
        known?.keys.add(key);
        if (!this.#written.has(key)) this.#written.set(key, this.#time.now);
      }
    };
    return {
      wrote,
      scanning: () => this.#scanning(plan, known),
      ended: ({ kind, keys }) => {
        // Of a lease each statement has told by itself.
        if (keys === undefined && (kind === 'ok' || kind === 'result-lost')) wrote(plan);
      },
    };
  }

  #known(session: string): Known {
    let known = this.#sessions.get(session);
    if (known === undefined) this.#sessions.set(session, (known = new Known()));
    return known;
  }

  #scanning(plan: OperationPlan, known: Known | undefined): (rows: readonly Row[]) => void {
    const before = this.#present();
    const promised = this.#promised(known);
    const keys = [...promised.keys].filter((key) => before.keys.has(key));
    const versions = [...promised.versions].filter((version) => before.versions.has(version));
    return (rows) => {
      const now = this.#present();
      const read = {
        keys: new Set(rows.map(({ key }) => key)),
        versions: new Set(rows.map(({ version }) => version)),
      };
      const who = `${plan.id} (${plan.kind}${plan.session === undefined ? '' : `, session ${plan.session}`})`;
      for (const key of keys) {
        if (read.keys.has(key) || !now.keys.has(key)) continue;
        this.#observer.violate('4-stale', `${who} does not see ${key}, which was written before`);
      }
      for (const version of versions) {
        if (read.versions.has(version) || !now.versions.has(version)) continue;
        this.#observer.violate(
          '4-backwards',
          `${who} does not see what ${version} wrote, which was read before`,
        );
      }
      for (const version of read.versions) known?.versions.add(version);
    };
  }

  /** What whoever reads now must see. */
  #promised(known: Known | undefined): Known {
    const { consistency, maxStalenessMs, readOnlyWhenNoPrimary } = this.#schedule.config.client;
    const promised = new Known();
    // Asked for: better something old than nothing.
    if (readOnlyWhenNoPrimary) return promised;
    if (consistency !== 'eventual' && known !== undefined) {
      for (const key of known.keys) promised.keys.add(key);
      for (const version of known.versions) promised.versions.add(version);
    }
    const staleness = maxStalenessMs === false ? Infinity : maxStalenessMs;
    for (const [key, at] of this.#written) {
      const isOld = this.#time.now - at > staleness;
      if (consistency === 'process' || isOld) promised.keys.add(key);
    }
    return promised;
  }

  /** What the cluster holds. */
  #present(): { readonly keys: ReadonlySet<string>; readonly versions: ReadonlySet<string> } {
    const { rows } = this.#cluster.leader.data;
    return {
      keys: new Set(rows.map(({ key }) => key)),
      versions: new Set(rows.map(({ version }) => version)),
    };
  }
}
