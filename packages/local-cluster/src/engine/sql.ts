import { Socket } from 'node:net';
import { Client, type QueryResultRow } from 'pg';

export interface Login {
  host: string;
  port: number;
  user: string;
  password: string;
  ca: string;
}

export interface Session {
  query<Row extends QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface SessionOptions {
  database?: string;
  /** For connecting, and then for each statement. @defaultValue 5000 */
  timeoutMs?: number;
}

/** A frozen server never answers a farewell. */
const FAREWELL_MS = 1_000;

/**
 * Lends a superuser's connection for the length of `use`.
 *
 * Its commits don't wait for standbys: what the supervisor writes must work while none is there yet.
 */
export async function withSession<T>(
  login: Login,
  use: (session: Session) => Promise<T>,
  { database = 'postgres', timeoutMs = 5_000 }: SessionOptions = {},
): Promise<T> {
  const socket = new Socket();
  const client = new Client({
    host: login.host,
    port: login.port,
    user: login.user,
    password: login.password,
    database,
    // As the poolers do it: a certificate that was given holds the names of its giver.
    ssl: { ca: login.ca, checkServerIdentity: () => undefined },
    stream: () => socket,
    application_name: 'schooldb supervisor',
    options: '-c synchronous_commit=local',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // A connection that breaks between two statements says so here, and again with the next one.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await use({
      async query<Row extends QueryResultRow>(sql: string, values?: readonly unknown[]) {
        return (await client.query<Row>(sql, values as unknown[] | undefined)).rows;
      },
    });
  } finally {
    const abandon = setTimeout(() => socket.destroy(), FAREWELL_MS);
    void client
      .end()
      .catch(() => undefined)
      .finally(() => {
        clearTimeout(abandon);
        socket.destroy();
      });
  }
}

/** A name as PostgreSQL wants it inside SQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as PostgreSQL wants it inside SQL and postgresql.conf. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
