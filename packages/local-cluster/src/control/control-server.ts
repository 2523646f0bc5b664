import { chmod } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { ClusterEvent } from '../cluster.ts';
import { ClusterError, messageOf } from '../errors.ts';
import { readJsonLines, writeJsonLine } from '../process/json-lines.ts';
import type { Request, ServerMessage } from './messages.ts';

export type Handle = (request: Request) => Promise<unknown>;

/** The supervisor's end of the control socket. */
export class ControlServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #first: Socket | undefined;
  #firstGone: () => void = () => undefined;
  /** Resolves when the connection that came first, the owner's, is closed. */
  readonly ownerGone: Promise<void>;

  constructor(handle: Handle) {
    this.ownerGone = new Promise((resolve) => (this.#firstGone = resolve));
    this.#server = createServer((socket) => {
      this.#first ??= socket;
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (socket === this.#first) this.#firstGone();
      });
      readJsonLines(
        socket,
        (value) => void this.#answer(socket, value as Request, handle),
        () => socket.destroy(),
      );
    });
  }

  get hasOwner(): boolean {
    return this.#first !== undefined;
  }

  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, resolve);
    });
    await chmod(path, 0o600);
  }

  broadcast(event: ClusterEvent): void {
    for (const socket of this.#sockets) send(socket, { event });
  }

  /** Takes nobody in any more and lets what was sent arrive. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.end();
  }

  async #answer(socket: Socket, request: Request, handle: Handle): Promise<void> {
    const { id } = request;
    try {
      send(socket, { id, result: (await handle(request)) ?? null });
    } catch (error) {
      const code = error instanceof ClusterError ? error.code : null;
      send(socket, { id, error: { message: messageOf(error), code } });
    }
  }
}

function send(socket: Socket, message: ServerMessage): void {
  writeJsonLine(socket, message);
}
