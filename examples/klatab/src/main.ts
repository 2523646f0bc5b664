/**
 * The process: what it is told, how it begins and how it ends.
 *
 * Exit codes: 0 stopped, 1 failed, 2 wrong usage.
 */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createSchoolDb } from '@schooldb/client';
import type { SchoolDb } from '@schooldb/client';
import { buildApp } from './app.ts';
import { UsageError, readConfig } from './config.ts';
import type { Config } from './config.ts';
import { migrate } from './database/migrate.ts';
import type { KlaTab } from './database/schema.ts';
import { dayOf } from './school/calendar.ts';
import { forgetOldSubmissions } from './school/submissions.ts';
import { schoolYearOf } from './seed/school-year.ts';
import { demoAccounts, seed } from './seed/seed.ts';

const DEMO_PASSWORD = 'klatab-demo';
const DAY_MS = 86_400_000;

const USAGE = `usage: node src/main.ts [--demo] [--port 8080] [--host 127.0.0.1]
       node src/main.ts --migrate

  --demo       fill an empty database with a school that does not exist, show its accounts, do without HTTPS
  --port       0: any that is free
  --migrate    bring the database up to date, and end

Where the database is comes from SCHOOLDB_…, DATABASE_URL or PG…. Without --demo, KLATAB_SECRET signs the cookies: 32
characters or more, the same for all processes. KLATAB_TRUST_PROXY=true behind a proxy that sets X-Forwarded-For.
`;

async function main(config: Config): Promise<void> {
  if (config.command === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  // Reads go on while there is no primary, though they may miss the latest; pages say so then.
  await using db = createSchoolDb<KlaTab>({ readOnlyWhenNoPrimary: true, applicationName: 'klatab' });
  if (config.command === 'migrate') {
    const done = await migrate(db);
    process.stdout.write(done.length === 0 ? 'nothing to do\n' : `${done.join('\n')}\n`);
    return;
  }
  if (config.demo) await prepareDemo(db);
  await serve(db, config);
}

async function serve(db: SchoolDb<KlaTab>, config: Extract<Config, { command: 'serve' }>): Promise<void> {
  const stopped = nextOf('SIGINT', 'SIGTERM');
  const app = await buildApp({
    db,
    secret: config.secret ?? randomBytes(32).toString('hex'),
    secureCookies: !config.demo,
    trustProxy: config.trustProxy,
    logger: config.demo ? false : { level: 'info' },
  });
  await app.listen({ host: config.host, port: config.port });
  const { port } = app.server.address() as AddressInfo;
  if (config.demo) await showDemo(db, `http://${config.host}:${port}`);
  const sweeping = setInterval(() => void sweep(db), DAY_MS).unref();
  await sweep(db);
  await stopped;
  // No new requests, live pages are let go, what is under way is answered; then `db` is closed.
  clearInterval(sweeping);
  await app.close();
}

async function prepareDemo(db: SchoolDb<KlaTab>): Promise<void> {
  process.stdout.write('KlaTab: the school is being made …\n');
  await migrate(db);
  await seed(db, { year: schoolYearOf(dayOf(new Date())), password: DEMO_PASSWORD });
}

async function showDemo(db: SchoolDb<KlaTab>, address: string): Promise<void> {
  const accounts = await demoAccounts(db);
  const lines = accounts.map(({ login, role, name }) => `  ${login.padEnd(14)} ${role.padEnd(10)} ${name}`);
  process.stdout.write(`
KlaTab is at ${address}

  login          role       name
${lines.join('\n')}

  password of all: ${DEMO_PASSWORD}

`);
}

/** What is in its way now is in nobody's way tomorrow. */
async function sweep(db: SchoolDb<KlaTab>): Promise<void> {
  await forgetOldSubmissions(db).catch((error: Error) => process.stderr.write(`${error.message}\n`));
}

/** The first of these signals; a second one ends the process as it would any. */
function nextOf(...signals: readonly NodeJS.Signals[]): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      for (const signal of signals) process.off(signal, stop);
      resolve();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}

try {
  await main(readConfig(process.argv.slice(2), process.env));
} catch (error) {
  const isUsage = error instanceof UsageError;
  process.stderr.write(`klatab: ${explain(error)}\n${isUsage ? USAGE : ''}`);
  process.exitCode = isUsage ? 2 : 1;
}

function explain(error: unknown): string {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  return code === 'EADDRINUSE' ? `port ${port} is in use: choose another with --port, 0 for any` : message;
}
