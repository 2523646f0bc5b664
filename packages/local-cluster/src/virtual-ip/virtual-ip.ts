import { createServer, connect, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VirtualIpStatus } from '../cluster.ts';
import type { Address, EndpointKind } from '../endpoint.ts';
import { Flow } from './flow.ts';
import { combine, type NetworkFault } from './network-fault.ts';
import { resetSocket } from './reset-socket.ts';

/** A server, or a pooler, that a connection can be given to. */
export interface Backend extends Address {
  name: string;
}

interface Connection {
  client: Socket;
  server: Socket;
  backend: string;
  upstream?: Flow;
  downstream?: Flow;
}

const LISTEN_RETRY_MS = 20;

/**
 * An address that behaves like a Kubernetes service behind kube-proxy: each new connection is given
 * one of the backends and stays with it, whatever happens to the roles. Without a backend the kernel
 * refuses, since nobody listens: kube-proxy's REJECT.
 */
export class VirtualIp {
  readonly kind: EndpointKind;
  readonly address: Address;
  readonly #connections = new Set<Connection>();
  readonly #faults = new Map<string, NetworkFault>();
  #backends: readonly Backend[] = [];
  #turn = 0;
  #server: Server | undefined;
  #closed = false;
  /** Opening and closing the port, one after the other. */
  #listening: Promise<void> = Promise.resolve();

  constructor(kind: EndpointKind, address: Address) {
    this.kind = kind;
    this.address = address;
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

  status(): VirtualIpStatus {
    const backends = this.#backends.map(({ name }) => name);
    return { kind: this.kind, ...this.address, backends, connections: this.#connections.size };
  }

  connectionsTo(backend: string): number {
    return [...this.#connections].filter((connection) => connection.backend === backend).length;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#openOrClose();
    for (const connection of this.#connections) reset(connection);
  }

  async #faultsChanged(): Promise<void> {
    const { upstream, downstream } = combine(this.#faults.values());
    for (const connection of this.#connections) {
      connection.upstream?.setConditions(upstream);
      connection.downstream?.setConditions(downstream);
    }
    await this.#openOrClose();
  }

  #openOrClose(): Promise<void> {
    this.#listening = this.#listening.then(() => this.#applyListening());
    return this.#listening;
  }

  async #applyListening(): Promise<void> {
    const wanted = () => !this.#closed && this.#backends.length > 0 && !combine(this.#faults.values()).refuse;
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
    const backend = this.#backends[this.#turn++ % Math.max(1, this.#backends.length)];
    const { resetPeer } = combine(this.#faults.values());
    client.on('error', () => undefined);
    if (backend === undefined || resetPeer) {
      resetSocket(client);
      return;
    }
    const server = connect({ host: backend.host, port: backend.port, allowHalfOpen: true, noDelay: true });
    const connection: Connection = { client, server, backend: backend.name };
    this.#connections.add(connection);
    server.once('connect', () => {
      const { upstream, downstream } = combine(this.#faults.values());
      connection.upstream = new Flow(client, server, upstream);
      connection.downstream = new Flow(server, client, downstream);
    });
    // Before it is connected: the server's port is closed, and so ours looks closed, one moment late.
    server.on('error', () => {
      if (connection.downstream === undefined) resetSocket(client);
    });
    const settle = () => {
      if (client.destroyed && server.destroyed) this.#connections.delete(connection);
    };
    client.once('close', settle);
    server.once('close', settle);
  }
}

function reset({ client, server }: Connection): void {
  resetSocket(client);
  resetSocket(server);
}
