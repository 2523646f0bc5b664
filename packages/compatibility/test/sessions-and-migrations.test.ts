/** What keeps sessions, and what changes the schema. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Pool } from '@schooldb/client/pg';
import { useCluster } from '@schooldb/local-cluster/vitest';
import connectPgSimple from 'connect-pg-simple';
import session from 'express-session';
import type { SessionData } from 'express-session';
import { runner } from 'node-pg-migrate';
import { expect, it, onTestFinished } from 'vitest';
import { CLUSTER, configOf, upTo, workThrough } from './support/through-failover.ts';

const cluster = useCluster(CLUSTER);

it('connect-pg-simple: sessions are there after a failover', async () => {
  const pool = new Pool(configOf(cluster));
  const Store = connectPgSimple(session);
  const store = new Store({ pool, createTableIfMissing: true, pruneSessionInterval: false });
  const keep = (id: string, data: SessionData) =>
    new Promise<void>((resolve, reject) =>
      store.set(id, data, (error?: Error | null) => (error == null ? resolve() : reject(error))),
    );
  const find = (id: string) =>
    new Promise<SessionData | null | undefined>((resolve, reject) =>
      store.get(id, (error, found) => (error == null ? resolve(found) : reject(error as Error))),
    );
  const cookie = { originalMaxAge: 60_000 } as SessionData['cookie'];
  const last = await workThrough(cluster, async (number) => {
    await keep(`s${number}`, { cookie });
    expect(await find(`s${number}`)).toMatchObject({ cookie: { originalMaxAge: 60_000 } });
  });
  for (const number of upTo(last)) expect(await find(`s${number}`)).toBeTruthy();
  store.close();
  await pool.end();
});

it('node-pg-migrate: up on one primary, further on the next', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'schooldb-migrations-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const migrate = async (direction: 'up' | 'down', count = Infinity): Promise<string[]> => {
    const client = new Client(configOf(cluster));
    await client.connect();
    try {
      const done = await runner({
        dbClient: client,
        dir: folder,
        direction,
        count,
        migrationsTable: 'migrations',
        log: () => {},
      });
      return done.map(({ name }) => name);
    } finally {
      await client.end();
    }
  };
  const write = (name: string, up: string, down: string) =>
    writeFileSync(
      join(folder, `${name}.mjs`),
      `export const up = (pgm) => pgm.sql(${JSON.stringify(up)});\nexport const down = (pgm) => pgm.sql(${JSON.stringify(down)});\n`,
    );
  write('1_noten', 'CREATE TABLE noten (id integer PRIMARY KEY)', 'DROP TABLE noten');
  expect(await migrate('up')).toEqual(['1_noten']);
  await cluster.fault('kill-primary');
  write('2_note', 'ALTER TABLE noten ADD COLUMN note integer', 'ALTER TABLE noten DROP COLUMN note');
  expect(await migrate('up')).toEqual(['2_note']);
  expect(await migrate('down', 2)).toEqual(['2_note', '1_noten']);
});
