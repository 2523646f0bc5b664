import { UnsuitableServerError } from '../errors/connection-errors.ts';
import { Topology } from '../policy/topology.ts';
import type { ClusterView, EndpointKind, ServerIdentity } from '../policy/topology.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ClientEvents } from './client-events.ts';
import type { Events } from '../runtime/events.ts';
import type { Random } from '../runtime/random.ts';
import { ResponsiveClock } from '../runtime/responsive-clock.ts';
import type { OpenWire } from '../wire/wire.ts';
import type { Address } from './address-order.ts';
import type { Connection } from './connection.ts';
import type { EndpointOptions } from './endpoint.ts';
import { Endpoint } from './endpoint.ts';

/** What a client is made of below its options; tests put their own time, chance and wire here. */
export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly openWire: OpenWire;
  /** A new UUID. */
  readonly newId: () => string;
}

/** Where each endpoint is; only the master's is required. */
export type Addresses = { readonly master: readonly Address[] } & {
  readonly [Kind in EndpointKind]?: readonly Address[] | undefined;
};

/** All addresses of one client. What one of them learns of the cluster counts for the others. */
export class Endpoints {
  readonly master: Endpoint;
  readonly replica: Endpoint | undefined;
  readonly masterPooler: Endpoint | undefined;
  readonly replicaPooler: Endpoint | undefined;
  readonly #topology = new Topology();
  readonly #clock: Clock;
  readonly #events: Events<ClientEvents>;
  /** Servers that are being asked whether they still are what they were. */
  readonly #questioned = new Set<string>();

  constructor(
    addresses: Addresses,
    options: EndpointOptions,
    events: Events<ClientEvents>,
    runtime: Runtime,
  ) {
    this.#events = events;
    this.#clock = runtime.clock;
    const context = {
      ...runtime,
      events,
      topology: this.#topology,
      responsive: new ResponsiveClock(runtime.clock),
      onNews: (news: 'timeline' | 'cluster', connection: Connection, address: string) =>
        this.#learn(news, connection, address),
      lookForPrimary: () => this.master.probe(),
      onRival: (claimant: ServerIdentity, rival: string) => void this.#confront(claimant, rival),
    };
    const make = (kind: EndpointKind) => {
      const given = addresses[kind];
      return given === undefined ? undefined : new Endpoint(kind, given, options, context);
    };
    this.master = new Endpoint('master', addresses.master, options, context);
    this.replica = make('replica');
    this.masterPooler = make('masterPooler');
    this.replicaPooler = make('replicaPooler');
  }

  get all(): readonly Endpoint[] {
    const { master, replica, masterPooler, replicaPooler } = this;
    return [master, replica, masterPooler, replicaPooler].filter((each) => each !== undefined);
  }

  get cluster(): ClusterView {
    return this.#topology.view;
  }

  /** See {@link Topology.acceptTimeline}. */
  acceptTimeline(): void {
    this.#topology.acceptTimeline();
  }

  /** A standby follows this timeline: see {@link Topology.heardOf}. Connections to an older primary are ended. */
  heardOf(systemId: string, timeline: number): void {
    if (this.#topology.heardOf(systemId, timeline)) this.#retireOlder(systemId, timeline, undefined);
  }

  /** Closes all connections as they come back. */
  async close(): Promise<void> {
    await Promise.all(this.all.map((endpoint) => endpoint.close()));
  }

  /** A new timeline or cluster ends the generation of connections that led to the older one. */
  #learn(news: 'timeline' | 'cluster', primary: Connection, address: string): void {
    const { systemId, timeline, server } = primary.identity;
    if (timeline === null) return;
    if (news === 'cluster') this.#events.emit('clusterReplaced', { address, systemId });
    this.#events.emit('primary:changed', { address, systemId, timeline });
    this.#retireOlder(systemId, timeline, server);
  }

  /** @param primary - the server that is the primary now, where it was met. */
  #retireOlder(systemId: string, timeline: number, primary: string | undefined): void {
    const reason = new UnsuitableServerError(`a primary on timeline ${timeline} has taken over`);
    // Those to poolers as well: a transaction that is open there holds the server on which it began.
    this.#retire(({ identity }) => {
      if (identity.systemId !== systemId) return true;
      if (identity.timeline === null) return identity.server === primary;
      return identity.timeline < timeline;
    }, reason);
    for (const endpoint of this.all) endpoint.hurry();
  }

  /** Two servers claim the same timeline. Connections to the first are open: does it still answer? */
  async #confront(claimant: ServerIdentity, rival: string): Promise<void> {
    if (this.#questioned.has(rival)) return;
    this.#questioned.add(rival);
    const answers = await this.master.answersAsPrimary(rival);
    this.#questioned.delete(rival);
    if (!answers) return;
    const { systemId, timeline } = claimant;
    if (timeline === null) return;
    this.#topology.contested(claimant, rival, this.#clock.now());
    this.#events.emit('splitBrain', { systemId, timeline, servers: [rival, claimant.server] });
    const reason = new UnsuitableServerError(`two servers are primary on timeline ${timeline}`);
    this.#retire(({ identity }) => identity.systemId === systemId && identity.timeline === timeline, reason);
  }

  #retire(matches: (connection: Connection) => boolean, reason: Error): void {
    for (const endpoint of this.all) endpoint.retire(matches, reason);
  }
}
