import { Socket } from 'node:net';
import { Client } from 'pg';
import { pgSsl } from './target.ts';
import type { Address, Tls } from './target.ts';

export interface PlainConnectionOptions {
  address: Address;
  database: string;
  user: string;
  password: string;
  tls: Tls | null;
  applicationName: string;
  /** How long opening may take, TLS and login included, in milliseconds. */
  connectTimeoutMs: number;
  /** How long one statement may take, in milliseconds. */
  queryTimeoutMs: number;
}

export interface PlainResult {
  rows: Record<string, unknown>[];
  /** True when the server warned during the statement, as it does when a commit is not confirmed by the standby. */
  warned: boolean;
}

/**
 * One connection without pool, retry or any other comfort, for what watches and judges the drivers: it must not
 * depend on what it judges.
 */
export class PlainConnection {
  readonly #client: Client;
  readonly #socket: Socket;
  #lost = false;
  #warned = false;

  private constructor(options: PlainConnectionOptions) {
    this.#socket = new Socket();
    this.#client = new Client({
      ...options.address,
      database: options.database,
      user: options.user,
      password: options.password,
      ssl: pgSsl(options.tls),
      application_name: options.applicationName,
      connectionTimeoutMillis: options.connectTimeoutMs,
      query_timeout: options.queryTimeoutMs,
      // A socket of our own, because a hung connection cannot be ended politely.
      stream: () => this.#socket,
    });
    // Kept for life: a connection that dies between two statements must not end the process.
    this.#client.on('error', () => (this.#lost = true));
    this.#client.on('notice', (notice) => (this.#warned ||= notice.severity === 'WARNING'));
  }

  static async open(options: PlainConnectionOptions): Promise<PlainConnection> {
    const connection = new PlainConnection(options);
    try {
      await connection.#client.connect();
    } catch (error) {
      connection.destroy();
      throw error;
    }
    return connection;
  }

  /** True once the connection broke while nothing was asked on it. */
  get lost(): boolean {
    return this.#lost;
  }

  async query(text: string, values: readonly unknown[] = []): Promise<PlainResult> {
    this.#warned = false;
    const { rows } = await this.#client.query<Record<string, unknown>>(text, [...values]);
    return { rows, warned: this.#warned };
  }

  /** Ends the connection at once, whatever is under way on it. */
  destroy(): void {
    this.#socket.destroy();
  }
}
