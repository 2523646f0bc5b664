import { connect, type Socket } from 'node:net';
import type { ClusterEvent } from '../cluster.ts';
import { ClusterError } from '../errors.ts';
import { readJsonLines, writeJsonLine } from '../process/json-lines.ts';
import type { Method, Methods, ServerMessage } from './messages.ts';

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

/** Anybody's end of the control socket. */
export class ControlClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  /** Resolves when the connection is closed, from whichever side. */
  readonly closed: Promise<void>;
  readonly #lastWords: () => string;
  #count = 0;

  /** `lastWords` says why the other end may have gone, when it has. */
  static async connect(path: string, lastWords: () => string = () => ''): Promise<ControlClient> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new ControlClient(socket, lastWords);
  }

  private constructor(socket: Socket, lastWords: () => string) {
    this.#socket = socket;
    this.#lastWords = lastWords;
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const { reject } of this.#waiting.values()) reject(this.#gone());
        this.#waiting.clear();
        resolve();
      });
    });
    readJsonLines(
      socket,
      (value) => this.#take(value as ServerMessage),
      () => socket.destroy(),
    );
  }

  request<M extends Method>(method: M, params: Methods[M]['params']): Promise<Methods[M]['result']> {
    if (!this.#socket.writable) return Promise.reject(this.#gone());
    const id = (this.#count += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      writeJsonLine(this.#socket, { id, method, params });
    });
  }

  on(listener: (event: ClusterEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(message: ServerMessage): void {
    if ('event' in message) {
      for (const listener of this.#listeners) {
        try {
          listener(message.event);
        } catch {
          // A listener's own trouble is not the cluster's.
        }
      }
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) {
      const { message: text, code } = message.error;
      waiting?.reject(code === null ? new Error(text) : new ClusterError(code, text));
    } else {
      waiting?.resolve(message.result);
    }
  }

  #gone(): ClusterError {
    const why = this.#lastWords();
    return new ClusterError(
      'no-cluster',
      `the cluster is not running any more: its supervisor has ended${why === '' ? '' : ` (${why})`}`,
    );
  }
}
