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
 * The network between two servers: an address that leads to one other address and to no other, so that
 * it can be cut. An end arrives as an end and a reset as a reset, at once: whoever is connected learns
 * of a dead server as if there were nothing in between.
 */
export class Link {
  readonly address: Address;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #held = false;

  private constructor(server: Server, address: Address, far: () => Address) {
    this.#server = server;
    this.address = address;
    server.on('connection', (near: Socket) => this.#forward(near, far()));
  }

  /** Resolves when it can be connected to. The far address is asked for each connection. */
  static async open(far: () => Address): Promise<Link> {
    for (let attempt = 1; ; attempt += 1) {
      const address = { host: '127.0.0.1', port: await findFreePort() };
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
      try {
        await listen(server, address);
        return new Link(server, address, far);
      } catch (error) {
        // Somebody took the port between our look at it and our listening.
        if (attempt === LISTEN_ATTEMPTS || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE')
          throw error;
      }
    }
  }

  /**
   * Held: nothing gets through in either direction, not even the news that a side has closed; new
   * connections are accepted and stay silent. Afterwards what was held back arrives.
   */
  setHeld(held: boolean): void {
    this.#held = held;
    for (const { flows } of this.#connections) for (const flow of flows) flow.setConditions(this.#conditions);
  }

  close(): Promise<void> {
    for (const { near, far } of this.#connections) {
      resetSocket(near);
      resetSocket(far);
    }
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  get #conditions() {
    return { ...CLEAR, held: this.#held };
  }

  #forward(near: Socket, { host, port }: Address): void {
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
