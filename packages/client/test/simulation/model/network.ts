/**
 * The four addresses and what lies between them and the client. Each address behaves like kube-proxy: a backend is
 * chosen per connection, by label; what is open stays with the backend it began with.
 */
import type { Dice } from '../dice.ts';
import type { EndpointKind } from '../endpoints.ts';
import type { Peer, Reply, Request } from '../protocol.ts';
import type { SimTime } from '../time.ts';
import type { LinkClient } from './link.ts';
import { Link } from './link.ts';

export type DeadServer = 'refuse' | 'silent' | 'reset';

/** Something that takes connections: a server or a pooler. */
export interface Host {
  readonly listens: boolean;
  accept(reply: Reply): Peer;
}

interface Address {
  refuses: boolean;
  swallows: 'toServer' | 'toClient' | 'both' | undefined;
  extraMs: number;
  /** How many statements of the next packet that holds several get through before the connection is cut. */
  cutPacketAt: number | undefined;
  /** How much later than its client's loss of the connection the next COMMIT arrives, in milliseconds. */
  commitDelayMs: number | undefined;
  readonly links: Set<Link>;
  /** Swallowed ones, those included that the client has given up: its goodbye is still under way. */
  readonly swallowed: Set<Link>;
}

export class Network {
  readonly #time: SimTime;
  readonly #dice: Dice;
  readonly #latencyMs: readonly [number, number];
  readonly #deadServer: DeadServer;
  readonly #hostsBehind: (kind: EndpointKind) => readonly Host[];
  readonly #addresses: Readonly<Record<EndpointKind, Address>>;

  constructor(
    time: SimTime,
    dice: Dice,
    options: { readonly latencyMs: readonly [number, number]; readonly deadServer: DeadServer },
    hostsBehind: (kind: EndpointKind) => readonly Host[],
  ) {
    this.#time = time;
    this.#dice = dice;
    this.#latencyMs = options.latencyMs;
    this.#deadServer = options.deadServer;
    this.#hostsBehind = hostsBehind;
    this.#addresses = {
      master: makeAddress(),
      replica: makeAddress(),
      masterPooler: makeAddress(),
      replicaPooler: makeAddress(),
    };
  }

  /** Opens a connection for the client. */
  dial(kind: EndpointKind, client: LinkClient): Link {
    const address = this.#addresses[kind];
    const [least, most] = this.#latencyMs;
    const latency = () => this.#dice.between(least, most) + address.extraMs;
    const link = new Link(this.#time, this.#dice, client, latency, () => address.links.delete(link));
    address.links.add(link);
    if (address.swallows !== undefined) {
      link.swallow(address.swallows);
      address.swallowed.add(link);
    }
    link.open((reply) => this.#reach(kind, reply));
    return link;
  }

  /** Sends what the client hands over, unless the schedule cuts the packet. */
  transmit(kind: EndpointKind, link: Link, requests: readonly Request[]): void {
    const address = this.#addresses[kind];
    const { cutPacketAt, commitDelayMs } = address;
    if (commitDelayMs !== undefined && requests.some(commits)) {
      address.commitDelayMs = undefined;
      link.requestLate(requests, commitDelayMs);
      return;
    }
    if (cutPacketAt === undefined || requests.length < 2) {
      link.request(requests);
      return;
    }
    address.cutPacketAt = undefined;
    link.request(requests.slice(0, Math.min(cutPacketAt, requests.length - 1)));
    link.cut();
  }

  linksOf(kind: EndpointKind): Link[] {
    return [...this.#addresses[kind].links];
  }

  refuse(kind: EndpointKind, refuses: boolean): void {
    this.#addresses[kind].refuses = refuses;
  }

  /** Swallows on every connection to the address, and on those to come; undefined gives back. */
  swallow(kind: EndpointKind, direction: 'toServer' | 'toClient' | 'both' | undefined): void {
    const address = this.#addresses[kind];
    address.swallows = direction;
    if (direction === undefined) {
      for (const link of address.swallowed) link.giveBack();
      address.swallowed.clear();
      return;
    }
    for (const link of address.links) {
      link.swallow(direction);
      address.swallowed.add(link);
    }
  }

  slow(kind: EndpointKind, extraMs: number): void {
    this.#addresses[kind].extraMs = extraMs;
  }

  cutNextPacket(kind: EndpointKind, after: number | undefined): void {
    this.#addresses[kind].cutPacketAt = after;
  }

  delayNextCommit(kind: EndpointKind, delayMs: number | undefined): void {
    this.#addresses[kind].commitDelayMs = delayMs;
  }

  #reach(kind: EndpointKind, reply: Reply): Peer | undefined {
    const hosts = this.#hostsBehind(kind);
    if (this.#addresses[kind].refuses || hosts.length === 0) throw refused();
    const host = this.#dice.pick(hosts);
    if (host.listens) return host.accept(reply);
    if (this.#deadServer === 'refuse') throw refused();
    if (this.#deadServer === 'reset')
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    return undefined;
  }
}

function makeAddress(): Address {
  return {
    refuses: false,
    swallows: undefined,
    extraMs: 0,
    cutPacketAt: undefined,
    commitDelayMs: undefined,
    links: new Set(),
    swallowed: new Set(),
  };
}

function commits(request: Request): boolean {
  if (request.kind === 'query') return request.statement.text === 'COMMIT';
  return request.kind === 'script' && request.text.endsWith('COMMIT');
}

function refused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}
