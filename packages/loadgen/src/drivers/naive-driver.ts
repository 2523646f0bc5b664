import { Client } from 'pg';
import type { Answer, Driver, Session, Statement } from './driver.ts';
import { failureOf } from './pg-failure.ts';
import { pgSsl } from './target.ts';
import type { Target } from './target.ts';

const CONNECTION_TIMEOUT_MS = 2_000;

/**
 * The original script: each client holds a connection of its own and opens a new one when it is gone. A connection
 * that is refused is an error the caller sees; the next try is its next operation, half a second later.
 */
export class NaiveDriver implements Driver {
  readonly #target: Target;
  readonly #applicationName: string;
  readonly #sessions: NaiveSession[] = [];

  constructor(target: Target, applicationName: string) {
    this.#target = target;
    this.#applicationName = applicationName;
  }

  session(): Session {
    const session = new NaiveSession(() => this.#newClient());
    this.#sessions.push(session);
    return session;
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()));
  }

  #newClient(): Client {
    const { master, database, user, password, tls } = this.#target;
    return new Client({
      ...master,
      database,
      user,
      password,
      ssl: pgSsl(tls),
      application_name: this.#applicationName,
      connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    });
  }
}

class NaiveSession implements Session {
  readonly #newClient: () => Client;
  #client: Client | null = null;

  constructor(newClient: () => Client) {
    this.#newClient = newClient;
  }

  read(statement: Statement): Promise<Answer> {
    return this.#perform(statement);
  }

  write(statement: Statement): Promise<Answer> {
    return this.#perform(statement);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #perform(statement: Statement): Promise<Answer> {
    try {
      this.#client ??= await this.#connect();
    } catch (error) {
      return failureOf(error, 'connecting');
    }
    try {
      const { rows } = await this.#client.query<Record<string, unknown>>(statement.text, [
        ...statement.values,
      ]);
      return { outcome: 'ok', rows };
    } catch (error) {
      return failureOf(error, 'sent');
    }
  }

  async #connect(): Promise<Client> {
    const client = this.#newClient();
    client.on('error', () => this.#forget(client));
    client.on('end', () => this.#forget(client));
    await client.connect();
    return client;
  }

  /** The script's `conn.closed`. */
  #forget(client: Client): void {
    if (this.#client === client) this.#client = null;
  }
}
