import { Topology } from '../policy/topology.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ClientEvents } from './client-events.ts';
import type { Events } from '../runtime/events.ts';
import type { Random } from '../runtime/random.ts';
import { ResponsiveClock } from '../runtime/responsive-clock.ts';
import type { OpenWire } from '../wire/wire.ts';
import type { Address } from './connect.ts';
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

/** All addresses of one client. What one of them learns of the cluster counts for the others. */
export class Endpoints {
  readonly master: Endpoint;
  readonly replica: Endpoint | undefined;
  readonly #events: Events<ClientEvents>;

  constructor(
    addresses: { master: Address; replica?: Address | undefined },
    options: EndpointOptions,
    events: Events<ClientEvents>,
    runtime: Runtime,
  ) {
    this.#events = events;
    const context = {
      ...runtime,
      events,
      topology: new Topology(),
      responsive: new ResponsiveClock(runtime.clock),
      onNewTimeline: (connection: Connection, address: string) => this.#primaryChanged(connection, address),
    };
    this.master = new Endpoint('master', addresses.master, options, context);
    this.replica =
      addresses.replica === undefined
        ? undefined
        : new Endpoint('replica', addresses.replica, options, context);
  }

  /** Closes all connections as they come back. */
  async close(): Promise<void> {
    await Promise.all([this.master.close(), this.replica?.close()]);
  }

  /** A new timeline ends the generation of connections that led to the primary of the older one. */
  #primaryChanged(primary: Connection, address: string): void {
    const { systemId, timeline, server } = primary.identity;
    if (timeline === null) return;
    this.#events.emit('primary:changed', { address, systemId, timeline });
    this.master.retire(
      ({ identity }) =>
        identity.systemId === systemId && identity.timeline !== null && identity.timeline < timeline,
    );
    this.replica?.retire(({ identity }) => identity.server === server);
  }
}
