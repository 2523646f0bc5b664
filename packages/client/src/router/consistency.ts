/**
 * What reads must not miss, and how it is known that a replica holds it. Who reads decides:
 *
 *   process    every read of this client sees what was written through it (option `consistency`)
 *   session    reads of a session see what the session has written, and nothing older than what it has read
 *   eventual   no promise
 *
 * and `maxStalenessMs` beside that. All of it comes down to one demand: a timeline and a position that a replica must
 * have replayed. Where no replica can be told to meet it the primary serves the read.
 */
import type { Endpoints } from '../endpoint/endpoints.ts';
import type { Causality } from '../execution/causality.ts';
import { positionIn } from '../execution/causality.ts';
import type { AttemptPlan, Route } from '../execution/operation.ts';
import type { Demand, Position } from '../policy/position.ts';
import { later } from '../policy/position.ts';
import { Samples } from '../policy/samples.ts';
import { Watermark } from '../policy/watermark.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { POSITION_FLUSHED } from '../wire/sql.ts';
import type { Routes } from './route.ts';

export interface ConsistencyOptions {
  readonly consistency: 'process' | 'session' | 'eventual';
  /** How far a replica may be behind, in milliseconds. */
  readonly maxStalenessMs: number | false;
}

/** The primary tells its position within this time, or not at all. */
const SAMPLE_LIMIT_MS = 2_000;
/** From one look at the master's address for a timeline that a token speaks of to the next. */
const LOOK_AGAIN_MS = 1_000;

export class Consistency {
  readonly #options: ConsistencyOptions;
  readonly #endpoints: Endpoints;
  readonly #routes: Routes;
  readonly #clock: Clock;
  readonly #samples: Samples | undefined;
  #sampling = false;
  #lookedAt = -Infinity;
  /** What was written through this client, whoever asked for it; undefined where nobody reads by it. */
  readonly #process: Watermark | undefined;
  /** Of the client itself, outside sessions. */
  readonly ofClient: Causality;

  constructor(options: ConsistencyOptions, endpoints: Endpoints, routes: Routes, clock: Clock) {
    this.#options = options;
    this.#endpoints = endpoints;
    this.#routes = routes;
    this.#clock = clock;
    const hasReplicas = endpoints.replica !== undefined || endpoints.replicaPooler !== undefined;
    if (hasReplicas && options.maxStalenessMs !== false) this.#samples = new Samples(options.maxStalenessMs);
    if (hasReplicas && options.consistency === 'process') this.#process = new Watermark();
    this.ofClient = this.#causality(undefined);
  }

  /** @param own - what the session has written and read. */
  ofSession(own: Watermark): Causality {
    return this.#causality(own);
  }

  /** The route for reads of this caller: to a replica where one may serve them. */
  routeFor(causality: Causality): Route {
    return async (deadline, plan) => {
      if (causality.demand(undefined) !== 'primary') {
        if (this.#samples?.isDue(this.#clock.now()) === true) void this.#sample();
        return this.#routes.toReplica(deadline, plan);
      }
      await this.#lookForNewer(causality, deadline, plan);
      return this.#routes.toPrimaryForRead(deadline, plan);
    };
  }

  #causality(own: Watermark | undefined): Causality {
    const followsReads = own !== undefined && this.#options.consistency !== 'eventual';
    const written = [own, this.#process].filter((each) => each !== undefined);
    // Where nothing is promised a session still remembers, for a process that promises more.
    const seenByReads = this.#options.consistency === 'eventual' ? [] : written;
    return {
      followsReads,
      get newest() {
        return own?.position;
      },
      demand: (systemId) => this.#demand(seenByReads, followsReads, systemId),
      expect: (of) => {
        const told =
          of === 'write'
            ? written
            : written.filter((each) => (each === own ? followsReads : this.#isOutdated(each)));
        if (told.length === 0 && this.#samples === undefined) return undefined;
        const asked = told.map((each) => ({ watermark: each, before: each.asking() }));
        const at = this.#clock.now();
        return (position) => {
          if (position !== undefined) this.#samples?.add(position, at);
          for (const { watermark, before } of asked) {
            if (position !== undefined) watermark.primaryAt(position, before, of === 'read');
            else if (of === 'write' || watermark === own) watermark.lose();
          }
        };
      },
      saw: (position) => {
        if (!followsReads) return;
        if (position === undefined) return own.lose();
        own.replicaAt(position);
        // The primary of an older one must not serve what comes next.
        this.#endpoints.heardOf(position.systemId, position.timeline);
      },
    };
  }

  #demand(
    watermarks: readonly Watermark[],
    followsReads: boolean,
    systemId: string | undefined,
  ): Demand | 'nothing' | 'primary' {
    const { cluster } = this.#endpoints;
    const here = systemId ?? cluster.systemId;
    let position: Position | undefined;
    for (const watermark of watermarks) {
      if (watermark.unknown) return 'primary';
      const { position: own } = watermark;
      // What another cluster held says nothing here.
      if (own === undefined || (here !== undefined && own.systemId !== here)) continue;
      if (this.#isOutdated(watermark)) return 'primary';
      position = later(position, own);
    }
    const sampled = this.#samples?.demand(this.#clock.now());
    if (this.#samples !== undefined && sampled === undefined) return 'primary';
    const demand =
      position === undefined || sampled === undefined ? (position ?? sampled) : both(position, sampled);
    return demand ?? (followsReads ? { timeline: cluster.timeline, lsn: 0n } : 'nothing');
  }

  /** Whether only the primary can serve its reads, and tell a position that replicas can be held to. */
  #isOutdated({ position, unknown }: Watermark): boolean {
    const { cluster } = this.#endpoints;
    if (unknown) return true;
    if (position === undefined || position.systemId !== cluster.systemId) return false;
    return position.timeline !== cluster.timeline;
  }

  /**
   * A token may speak of a newer timeline than this process has met: another one has written to the new primary. Or
   * somebody made it up; so the master's address is looked at once, and what it leads to then is believed.
   */
  async #lookForNewer({ newest }: Causality, deadline: Deadline, { needs }: AttemptPlan): Promise<void> {
    const { cluster, master } = this.#endpoints;
    const isNewer =
      newest?.systemId === cluster.systemId && (newest?.timeline ?? 0) > (cluster.timeline ?? 0);
    const now = this.#clock.now();
    if (!isNewer || needs.size > 0 || now - this.#lookedAt < LOOK_AGAIN_MS) return;
    this.#lookedAt = now;
    let stopWaiting = () => {};
    const over = new Promise<void>((resolve) => (stopWaiting = deadline.onOver(resolve)));
    await Promise.race([master.probe().catch(() => {}), over]);
    stopWaiting();
  }

  /**
   * Asks the primary beside what callers do, where a connection is idle. Where it can't be asked the samples grow old;
   * then reads go to the primary, and bring one along.
   */
  async #sample(): Promise<void> {
    if (this.#sampling) return;
    this.#sampling = true;
    const at = this.#clock.now();
    const asked = await this.#endpoints.master.askBeside({ text: POSITION_FLUSHED }, SAMPLE_LIMIT_MS);
    this.#sampling = false;
    if (asked === undefined) return;
    const position = positionIn({ status: 'fulfilled', value: asked.answer }, asked.connection);
    if (position !== undefined) this.#samples?.add(position, at);
  }
}

function both(one: Position, other: Demand): Demand | 'primary' {
  if (one.timeline !== other.timeline) return 'primary';
  return one.lsn > other.lsn ? one : other;
}
