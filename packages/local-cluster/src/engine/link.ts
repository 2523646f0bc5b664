import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Address } from '../endpoint.ts';
import { findFreePort } from '../process/ports.ts';
import { socketEnd } from '../virtual-ip/end.ts';
import { CLEAR, Flow } from '../virtual-ip/flow.ts';
import { resetSocket } from '../virtual-ip/reset-socket.ts';

const LISTEN_ATTEMPTS = 10;

interface Connection {
  near: Socket;
  far: Socket;
  flows: Flow[];
}

/**
 * The network between two parties, so that it can be cut. An end arrives as an end and a reset as a
 * reset, at once: whoever is connected learns of a dead server as if there were nothing in between.
 */
export class Passage {
  readonly #far: () => Address;
  readonly #connections = new Set<Connection>();
  #held = false;

  /** The far address is asked for each connection. */
  constructor(far: () => Address) {
    this.#far = far;
  }

  /** How many connections go through it. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Held: nothing gets through in either direction, not even the news that a side has closed; new
   * connections are accepted and stay silent. Afterwards what was held back arrives.
   */
  setHeld(held: boolean): void {
    this.#held = held;
    for (const { flows } of this.#connections) for (const flow of flows) flow.setConditions(this.#conditions);
  }

  /** Takes a connection over and carries it to the far side. */
  carry(near: Socket): void {
    const { host, port } = this.#far();
    const far = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const connection: Connection = { near, far, flows: [] };
    this.#connections.add(connection);
    near.on('error', () => undefined);
    // A server that refuses is seen as a reset. Held, that is no news yet, and is delivered later.
    connection.flows.push(new Flow(socketEnd(far), socketEnd(near), this.#conditions));
    far.once('connect', () => {
      if (near.destroyed) resetSocket(far);
      else connection.flows.push(new Flow(socketEnd(near), socketEnd(far), this.#conditions));
    });
    const settle = () => {
      if (near.destroyed && far.destroyed) this.#connections.delete(connection);
    };
    near.once('close', settle);
    far.once('close', settle);
  }

  resetAll(): void {
    for (const { near, far } of this.#connections) {
      resetSocket(near);
      resetSocket(far);
    }
  }

  get #conditions() {
    return { ...CLEAR, held: this.#held };
  }
}

/** A passage with an address of its own, which leads to one other address and to no other. */
export class Link {
  readonly address: Address;
  readonly passage: Passage;
  readonly #server: Server;

  private constructor(server: Server, address: Address, far: () => Address) {
    this.#server = server;
    this.address = address;
    this.passage = new Passage(far);
    server.on('connection', (near: Socket) => this.passage.carry(near));
  }

  /**
   * Resolves when it can be connected to. The far address is asked for each connection. Without an
   * address of its own it takes a free one.
   */
  static async open(far: () => Address, given?: Address): Promise<Link> {
    const { server, address } = await listenOn(given);
    return new Link(server, address, far);
  }

  setHeld(held: boolean): void {
    this.passage.setHeld(held);
  }

  close(): Promise<void> {
    this.passage.resetAll();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** A server that takes connections over without reading from them, at the given address or at a free one. */
export async function listenOn(given?: Address): Promise<{ server: Server; address: Address }> {
  for (let attempt = 1; ; attempt += 1) {
    const address = given ?? { host: '127.0.0.1', port: await findFreePort() };
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    try {
      await listen(server, address);
      return { server, address };
    } catch (error) {
      // Somebody took the port between our look at it and our listening.
      const again = given === undefined && (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!again || attempt === LISTEN_ATTEMPTS) throw error;
    }
  }
}

function listen(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, backlog: 128 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
