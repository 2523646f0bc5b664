import { EventEmitter } from 'node:events';
import type { PostgresServer } from './postgres-server.ts';

/** The time during which one server is primary. */
export interface Reign {
  readonly primary: Member;
  /** Where its timeline left the one before; undefined when the same server goes on as primary. */
  readonly forkedAt: bigint | undefined;
  /** Aborted when the primary is lost. */
  readonly signal: AbortSignal;
}

/** A server as part of the cluster. */
export class Member {
  readonly server: PostgresServer;
  /** Its data can't follow the primary (a former primary that died): a copy must replace it. */
  diverged = false;
  /** The reign whose primary it was last told to follow. */
  toldToFollow: Reign | undefined;
  /** The reign under which it was last seen streaming. */
  follows: Reign | undefined;
  readonly #changes = new EventEmitter();

  constructor(server: PostgresServer) {
    this.server = server;
  }

  /** It can't be started or cloned: there is no room for its data. */
  get lacksRoom(): boolean {
    const { disk, state } = this.server;
    return disk?.full === true && (this.diverged || state === 'stopped');
  }

  get name(): string {
    return this.server.name;
  }

  /** Ends `changed()`. */
  wake(): void {
    this.#changes.emit('change');
  }

  /** Resolves when somebody called `wake()`, the time is over or the signal aborted. */
  async changed(timeoutMs: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#changes.off('change', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#changes.once('change', done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }
}
