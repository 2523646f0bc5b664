declare module 'pg/lib/utils.js' {
  const utils: {
    /** Turns a value of JavaScript into what is sent for it. Throws what the value's own conversion throws. */
    prepareValue(value: unknown): string | Buffer | null;
  };
  export default utils;
}

declare module 'pg/lib/connection-parameters.js' {
  import type { ClientConfig } from 'pg';

  /** Options, connection string and environment, as pg reads them. */
  export default class ConnectionParameters {
    constructor(config?: string | ClientConfig);
    readonly user: string;
    readonly database: string;
    readonly host: string;
    readonly port: number;
    readonly replication: string | undefined;
    readonly password: NonNullable<ClientConfig['password']>;
  }
}
