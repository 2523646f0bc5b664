import type { Server, Socket } from 'node:net';
import type { Address } from '../../endpoint.ts';
import { resetSocket } from '../../virtual-ip/reset-socket.ts';
import { listenOn, Passage } from '../link.ts';

/** A head of Patroni's has some 200 bytes. */
const LONGEST_HEAD = 16_384;
const END_OF_HEAD = '\r\n\r\n';

/**
 * The address at which the other nodes reach a node's REST interface. Patroni can be told one address
 * for all of them only, so who is asking is read from the request: every node has a user of its own.
 * A connection belongs to whoever sent its first request. Those of nobody known always get through.
 */
export class RestGate {
  readonly passages: ReadonlyMap<string, Passage>;
  readonly #others: Passage;
  readonly #server: Server;
  readonly #unread = new Set<Socket>();

  private constructor(server: Server, far: Address, sources: readonly string[]) {
    this.passages = new Map(sources.map((name) => [name, new Passage(() => far)]));
    this.#others = new Passage(() => far);
    this.#server = server;
    server.on('connection', (near: Socket) => this.#read(near));
  }

  static async open(address: Address, far: Address, sources: readonly string[]): Promise<RestGate> {
    const { server } = await listenOn(address);
    return new RestGate(server, far, sources);
  }

  close(): Promise<void> {
    for (const near of this.#unread) resetSocket(near);
    for (const passage of [...this.passages.values(), this.#others]) passage.resetAll();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #read(near: Socket): void {
    let head = Buffer.alloc(0);
    this.#unread.add(near);
    const giveUp = () => resetSocket(near);
    const take = (bytes: Buffer) => {
      head = Buffer.concat([head, bytes]);
      const complete = head.includes(END_OF_HEAD);
      if (!complete && head.length <= LONGEST_HEAD) return;
      near.off('data', take);
      near.off('end', giveUp);
      near.pause();
      near.unshift(head);
      const source = sourceOf(head.toString('latin1'));
      (this.passages.get(source ?? '') ?? this.#others).carry(near);
    };
    near.on('error', () => undefined);
    near.on('close', () => this.#unread.delete(near));
    near.on('end', giveUp);
    near.on('data', take);
    near.resume();
  }
}

/** The user of HTTP's basic authentication. */
export function sourceOf(head: string): string | undefined {
  const credentials = /^authorization:\s*basic\s+(\S+)\s*$/im.exec(head)?.[1];
  if (credentials === undefined) return undefined;
  return Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0];
}
