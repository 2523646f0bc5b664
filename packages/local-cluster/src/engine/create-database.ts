import { ClusterError, messageOf } from '../errors.ts';
import type { ResolvedOptions } from '../options.ts';
import { quoteIdentifier, quoteLiteral, type Session, type SessionOptions } from './sql.ts';

/** Init SQL may build indexes over what it inserts. */
const INIT_SQL_MS = 600_000;

/** The ordinary role, its database, and what the user wants in it. */
export async function createDatabase(
  server: { session<T>(use: (session: Session) => Promise<T>, options?: SessionOptions): Promise<T> },
  options: ResolvedOptions,
  password: string,
): Promise<void> {
  const user = quoteIdentifier(options.user);
  const database = quoteIdentifier(options.database);
  await server.session(
    async (session) => {
      await session.query(`CREATE ROLE ${user} LOGIN PASSWORD ${quoteLiteral(password)}`);
      await session.query(`CREATE DATABASE ${database} OWNER ${user}`);
    },
    { timeoutMs: 60_000 },
  );
  if (options.initSql.trim() === '') return;
  try {
    await server.session((session) => session.query(options.initSql), {
      database: options.database,
      timeoutMs: INIT_SQL_MS,
    });
  } catch (error) {
    throw new ClusterError('start-failed', `initSql failed: ${messageOf(error)}`, { cause: error });
  }
}
