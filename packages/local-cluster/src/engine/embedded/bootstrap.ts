import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterError, messageOf } from '../../errors.ts';
import { REPLICATION_USER, type ResolvedOptions } from '../../options.ts';
import type { Children } from '../../process/children.ts';
import type { Binaries } from './binaries.ts';
import { pgHbaConf, postgresqlConf } from './configuration.ts';
import { writeServerFile, type Layout } from '../layout.ts';
import type { PostgresServer, Superuser } from './postgres-server.ts';
import { quoteIdentifier, quoteLiteral } from '../sql.ts';

/** Init SQL may build indexes over what it inserts. */
const INIT_SQL_MS = 600_000;

export interface Passwords {
  user: string;
  superuser: string;
  replication: string;
}

/** Creates the first server's data directory. */
export async function initialise(
  server: PostgresServer,
  {
    binaries,
    children,
    layout,
    options,
    superuser,
  }: {
    binaries: Binaries;
    children: Children;
    layout: Layout;
    options: ResolvedOptions;
    superuser: Superuser;
  },
): Promise<void> {
  const directory = layout.serverDirectory(server.name);
  const passwordFile = join(directory, 'password');
  await writeServerFile(passwordFile, `${superuser.password}\n`, children.account);
  await children.run(
    binaries.initdb,
    [
      `--pgdata=${server.dataDirectory}`,
      `--username=${superuser.user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--data-checksums',
      // Only a power cut between here and the first checkpoint could tell the difference.
      '--no-sync',
    ],
    { cwd: directory, logFile: server.logFile },
  );
  await rm(passwordFile);
  await writeServerFile(
    join(server.dataDirectory, 'postgresql.conf'),
    postgresqlConf(options, layout),
    children.account,
  );
  await writeServerFile(join(server.dataDirectory, 'pg_hba.conf'), pgHbaConf(), children.account);
}

/** Roles, database, and what the user wants in it. */
export async function createDatabase(
  server: PostgresServer,
  options: ResolvedOptions,
  passwords: Passwords,
): Promise<void> {
  const user = quoteIdentifier(options.user);
  const database = quoteIdentifier(options.database);
  await server.session(
    async (session) => {
      await session.query(
        `CREATE ROLE ${quoteIdentifier(REPLICATION_USER)} REPLICATION LOGIN PASSWORD ${quoteLiteral(passwords.replication)}`,
      );
      await session.query(`CREATE ROLE ${user} LOGIN PASSWORD ${quoteLiteral(passwords.user)}`);
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
