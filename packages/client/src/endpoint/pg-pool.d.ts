/** The part of pg-pool that the exclusive lane uses, with clients of our own. */
declare module 'pg-pool' {
  import type { EventEmitter } from 'node:events';

  export interface PoolableClient extends EventEmitter {
    connect(done: (error?: unknown) => void): void;
    end(done: () => void): void;
    ref(): void;
    unref(): void;
  }
  export default class Pool<Client extends PoolableClient> extends EventEmitter {
    constructor(options: {
      Client: new () => Client;
      max: number;
      idleTimeoutMillis: number;
      allowExitOnIdle: boolean;
    });
    readonly totalCount: number;
    readonly idleCount: number;
    connect(
      done: (
        error: Error | undefined,
        client: (Client & { release(destroy?: boolean): void }) | undefined,
      ) => void,
    ): void;
    end(): Promise<void>;
    on(event: 'error', listener: (error: Error) => void): this;
    on(event: 'remove', listener: (client: Client) => void): this;
  }
}
