import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { REPLICATION_USER, type ResolvedOptions } from '../../options.ts';
import type { Children } from '../../process/children.ts';
import type { Binaries } from './binaries.ts';
import { pgHbaConf, postgresqlConf } from './configuration.ts';
import { writeServerFile, type Layout } from '../layout.ts';
import type { PostgresServer, Superuser } from './postgres-server.ts';
import { quoteIdentifier, quoteLiteral } from '../sql.ts';

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

/** The role that standbys connect with. */
export async function createReplicationRole(server: PostgresServer, password: string): Promise<void> {
  await server.session((session) =>
    session.query(
      `CREATE ROLE ${quoteIdentifier(REPLICATION_USER)} REPLICATION LOGIN PASSWORD ${quoteLiteral(password)}`,
    ),
  );
}
