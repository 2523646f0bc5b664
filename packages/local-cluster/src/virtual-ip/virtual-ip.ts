import { createServer, connect, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VirtualIpStatus } from '../cluster.ts';
import type { Address, EndpointKind } from '../endpoint.ts';
import { PairEnd, socketEnd, type End } from './end.ts';
import { Flow, type Conditions } from './flow.ts';
import { combine, type NetworkFault } from './network-fault.ts';
import { Cuts, type CutFault } from './protocol/cuts.ts';
import { Relay } from './protocol/relay.ts';
import type { TlsEnds } from './protocol/tls-ends.ts';
import { resetSocket } from './reset-socket.ts';
import type { Backend, Destination, SecondBackend } from './second-backend.ts';

interface Connection {
  client: Socket;
  server: Socket;
  backend: string;
  /** Both from the moment it is connected. */
  upstream?: Flow;
  downstream?: Flow;
  /** On a connection whose messages are read. */
  relay?: Relay;
}

export interface Reading {
  /** Without it no connection under TLS can be read. */
  tls?: TlsEnds;
  /** Every connection is read, and not only those opened while a fault of the protocol is in force. @defaultValue false */
  always?: boolean;
}

const LISTEN_RETRY_MS = 20;

/**
 * An address that behaves like a Kubernetes service behind kube-proxy: each new connection is given
 * one of the backends and stays with it, whatever happens to the roles. Without a backend the kernel
 * refuses, since nobody listens: kube-proxy's REJECT. Second backends may stand beside those of the
 * role for a while.
 */
export class VirtualIp {
  readonly kind: EndpointKind;
  readonly address: Address;
  readonly #connections = new Set<Connection>();
  readonly #faults = new Map<string, NetworkFault>();
  readonly #cuts = new Cuts();
  readonly #reading: Reading;
  readonly #seconds = new Map<string, SecondBackend>();
  /** What black holes have accepted. Never read, so that not even a close is noticed: as on a dead network. */
  readonly #swallowed = new Set<Socket>();
  #backends: readonly Backend[] = [];
  #isCut: (backend: string) => boolean = () => false;
  #turn = 0;
  #server: Server | undefined;
  #closed = false;
  /** Opening and closing the port, one after the other. */
  #listening: Promise<void> = Promise.resolve();

  constructor(kind: EndpointKind, address: Address, reading: Reading = {}) {
    this.kind = kind;
    this.address = address;
    this.#reading = reading;
  }

  /** Takes effect for new connections; resolves when the port is open or closed accordingly. */
  setBackends(backends: readonly Backend[]): Promise<void> {
    this.#backends = backends;
    return this.#openOrClose();
  }

  async addFault(id: string, fault: NetworkFault): Promise<void> {
    this.#faults.set(id, fault);
    await this.#faultsChanged();
    if (fault.name === 'reset_peer') for (const connection of this.#connections) reset(connection);
  }

  async removeFault(id: string): Promise<void> {
    if (this.#faults.delete(id)) await this.#faultsChanged();
  }

  /**
   * Hits connections that are read: those opened from now on, and of those that are open the ones opened
   * while such a fault was in force. `onOver` is called when the last of `times` cuts is made.
   */
  addCut(id: string, fault: CutFault, times: number, onOver: () => void): void {
    this.#cuts.add(id, fault, times, onOver);
  }

  removeCut(id: string): void {
    this.#cuts.remove(id);
  }

  hasCut(id: string): boolean {
    return this.#cuts.has(id);
  }

  /** Open connections that no cut can hit. */
  unreadable(): number {
    const read = ({ downstream, relay }: Connection) => downstream === undefined || relay?.readable === true;
    return [...this.#connections].filter((connection) => !read(connection)).length;
  }

  /** Takes effect for new connections, also where the role has no backend. */
  addSecond(id: string, second: SecondBackend): Promise<void> {
    this.#seconds.set(id, second);
    return this.#openOrClose();
  }

  async removeSecond(id: string): Promise<void> {
    if (!this.#seconds.delete(id)) return;
    await this.#openOrClose();
    if (!this.#destinations().some(({ does }) => does === 'blackhole')) this.#resetSwallowed();
  }

  /**
   * Nothing gets through to these backends and from them, nothing is closed, new connections are accepted
   * and stay silent. What was held back arrives once that is over.
   */
  cutFrom(isCut: (backend: string) => boolean): void {
    this.#isCut = isCut;
    this.#applyConditions();
  }

  status(): VirtualIpStatus {
    const backends = this.#destinations().map(({ name }) => name);
    const connections = this.#connections.size + this.#swallowed.size;
    return { kind: this.kind, ...this.address, backends, connections };
  }

  connectionsTo(backend: string): number {
    return [...this.#connections].filter((connection) => connection.backend === backend).length;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#openOrClose();
    for (const connection of this.#connections) reset(connection);
    this.#resetSwallowed();
  }

  async #faultsChanged(): Promise<void> {
    this.#applyConditions();
    await this.#openOrClose();
  }

  #applyConditions(): void {
    for (const connection of this.#connections) {
      const { upstream, downstream } = this.#conditionsOf(connection);
      connection.upstream?.setConditions(upstream);
      connection.downstream?.setConditions(downstream);
    }
  }

  #conditionsOf({ backend }: Connection): Record<'upstream' | 'downstream', Conditions> {
    const { upstream, downstream } = combine(this.#faults.values());
    if (!this.#isCut(backend)) return { upstream, downstream };
    return { upstream: { ...upstream, held: true }, downstream: { ...downstream, held: true } };
  }

  #openOrClose(): Promise<void> {
    this.#listening = this.#listening.then(() => this.#applyListening());
    return this.#listening;
  }

  async #applyListening(): Promise<void> {
    const wanted = () =>
      !this.#closed &&
      this.#destinations().some(({ does }) => does !== 'refuse') &&
      !combine(this.#faults.values()).refuse;
    if (!wanted()) {
      this.#server?.close();
      this.#server = undefined;
    }
    while (wanted() && this.#server === undefined) {
      this.#server = await this.#listen();
      // The port is ours by habit only while it is closed: whoever took it will give it back.
      if (this.#server === undefined) await sleep(LISTEN_RETRY_MS);
    }
  }

  #listen(): Promise<Server | undefined> {
    return new Promise((resolve) => {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) =>
        this.#accept(client),
      );
      server.once('error', () => resolve(undefined));
      server.listen({ ...this.address, backlog: 1_024 }, () => resolve(server));
    });
  }

  #accept(client: Socket): void {
    const destination = this.#choose();
    const { resetPeer } = combine(this.#faults.values());
    client.on('error', () => undefined);
    if (destination === undefined || destination.does === 'refuse' || resetPeer) {
      resetSocket(client);
      return;
    }
    if (destination.does === 'blackhole') this.#swallowed.add(client);
    else this.#forward(client, destination.backend);
  }

  #forward(client: Socket, backend: Backend): void {
    const server = connect({ host: backend.host, port: backend.port, allowHalfOpen: true, noDelay: true });
    const connection: Connection = { client, server, backend: backend.name };
    this.#connections.add(connection);
    server.once('connect', () => {
      const { upstream, downstream } = this.#conditionsOf(connection);
      const [near, far] = [socketEnd(client), this.#serverEnd(connection)];
      connection.upstream = new Flow(near, far, upstream);
      connection.downstream = new Flow(far, near, downstream);
    });
    // Before it is connected: the server's port is closed, and so ours looks closed, one moment late.
    server.on('error', () => {
      if (connection.downstream === undefined) resetSocket(client);
    });
    const settle = () => {
      if (!client.destroyed || !server.destroyed) return;
      connection.relay?.destroy();
      this.#connections.delete(connection);
    };
    client.once('close', settle);
    server.once('close', settle);
  }

  /** Where the network ends: at the server, or before it where somebody reads. */
  #serverEnd(connection: Connection): End {
    const { tls, always = false } = this.#reading;
    if (this.#cuts.none && !always) return socketEnd(connection.server);
    const [outer, inner] = PairEnd.connected();
    connection.relay = new Relay(inner, connection.server, tls, this.#cuts);
    return outer;
  }

  #destinations(): Destination[] {
    const byRole = this.#backends.map((backend): Destination => ({
      does: 'serve',
      name: backend.name,
      backend,
    }));
    const seconds = [...this.#seconds.values()].flatMap((second) => second.destination() ?? []);
    // A lost primary may still be the role's backend as well.
    return [...byRole, ...seconds.filter(({ name }) => !byRole.some((known) => known.name === name))];
  }

  #choose(): Destination | undefined {
    const destinations = this.#destinations();
    const random = [...this.#seconds.values()].at(-1)?.random;
    const turn = random === undefined ? this.#turn++ : Math.floor(random() * destinations.length);
    return destinations[turn % Math.max(1, destinations.length)];
  }

  #resetSwallowed(): void {
    for (const client of this.#swallowed) resetSocket(client);
    this.#swallowed.clear();
  }
}

function reset({ client, server, relay }: Connection): void {
  resetSocket(client);
  if (relay === undefined) resetSocket(server);
  else relay.destroy();
}
