/** The app on a cluster's endpoints, on any free port of this machine. */
import type { AddressInfo } from 'node:net';
import { createSchoolDb } from '@schooldb/client';
import type { SchoolDb } from '@schooldb/client';
import type { Cluster } from '@schooldb/local-cluster';
import { buildApp } from '../src/app.ts';
import type { AppOptions } from '../src/app.ts';
import type { KlaTab as Schema } from '../src/database/schema.ts';

/** A Wednesday in the school year that is seeded. */
const TODAY = '2026-11-25';

export type KlaTabApp = Awaited<ReturnType<typeof buildApp>>;

/** What it takes to find and trust a cluster; nothing in it is bound to a process. */
export type ClusterAddress = Pick<Cluster, 'endpoints' | 'database' | 'user' | 'password' | 'ca'>;

export function connect({ endpoints, database, user, password, ca }: ClusterAddress): SchoolDb<Schema> {
  const { master, replica } = endpoints;
  return createSchoolDb<Schema>({
    endpoints: { master, ...(replica !== undefined && { replica }) },
    database,
    user,
    password,
    tls: { ca },
    readOnlyWhenNoPrimary: true,
  });
}

export async function listen(db: SchoolDb<Schema>, options: Partial<AppOptions> = {}): Promise<KlaTabApp> {
  const app = await buildApp({
    db,
    secret: 'only for tests, and long enough for cookies',
    secureCookies: false,
    now: () => new Date(`${TODAY}T08:00:00Z`),
    ...options,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return app;
}

export function addressOf(app: KlaTabApp): string {
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}
