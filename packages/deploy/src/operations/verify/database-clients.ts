import { createSchoolDb, SchoolDbError } from '@schooldb/client';
import type { SchoolDb } from '@schooldb/client';
import type { Credentials } from '../credentials/credentials.ts';
import { reachable } from '../reach.ts';
import type { Reach } from '../reach.ts';

/** The ways of an app into the database: straight to the servers, and through the poolers. */
export interface DatabaseClients {
  readonly direct: SchoolDb;
  readonly pooled: SchoolDb;
  close(): Promise<void>;
}

/** As an app would do it: the client with the addresses, the authority and nothing else, whatever this terminal's variables say. */
export function openClients(
  { addresses, database, user, password, ca }: Credentials,
  reach: Reach,
  deadlineMs: number,
): DatabaseClients {
  const { master, replica, masterPooler, replicaPooler } = addresses;
  const { at, certificate } = reachable(reach, master);
  const options = {
    database,
    user,
    password: () => password,
    tls: { ca, ...certificate },
    deadlineMs,
    applicationName: 'schooldb-deploy',
    // Which replica answers, and when, is what is to be seen.
    consistency: 'eventual',
  } as const;
  const servers = { master: at(master), replica: at(replica) };
  const poolers = { masterPooler: at(masterPooler), replicaPooler: at(replicaPooler) };
  const direct = createSchoolDb({ ...options, endpoints: servers }, {});
  const pooled = createSchoolDb({ ...options, endpoints: { ...servers, ...poolers }, prefer: 'pooler' }, {});
  return {
    direct,
    pooled,
    async close() {
      await Promise.all([direct.close(), pooled.close()]);
    },
  };
}

/** What the server or the client says, with what is behind it: never a password, which neither of them quotes. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  const said =
    error instanceof SchoolDbError || typeof code !== 'string' ? error.message : `${error.message} (${code})`;
  const { cause } = error;
  return cause instanceof Error && !said.includes(cause.message) ? `${said}: ${reasonOf(cause)}` : said;
}
