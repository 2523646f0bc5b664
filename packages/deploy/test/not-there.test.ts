/** Commands that operate a database, where there is none, or none that answers. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { QUICK, useCluster } from './support/use-cluster.ts';

it.each([
  ['switchover', '--yes'],
  ['switchover', '--yes', '--to', 'wichtige-daten-3-1'],
  ['drill', 'failover', '--yes'],
])('%s %s %s says that nothing was applied here, and nothing of a primary', async (...args) => {
  const { deploy, server } = await useCluster();
  const { code, err } = await deploy([...args.filter((each) => each !== undefined), '--lang', 'en']);
  expect(code).toBe(EXIT.failed);
  expect(err).toContain("There is no pod for 'database' in the namespace default (yet).");
  expect(err).toContain("'deploy:lab apply' makes what is missing");
  expect(server.requests.writes()).toEqual([]);
});

it('verify and report say that they wait, where an address swallows everything', async () => {
  const { deploy } = await useCluster();
  expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const run = {
    pace: { ...QUICK, databaseMs: 1_500 },
    session: { reach: () => ({ host: '127.0.0.1', port }) },
  };
  const told = await deploy(['verify', '--lang', 'de'], run);
  expect(told.code).toBe(EXIT.failed);
  expect(told.err).toContain('  sieht noch nach: Die Datenbank darf für jede Antwort bis zu 2 s brauchen');
  const json = await deploy(['verify', '--json', '--lang', 'en'], run);
  expect(json.err).toContain('  still looking: the database may take up to 2 s for each answer');
  expect(JSON.parse(json.out)).toMatchObject({ version: 1, ok: false });
  expect((await deploy(['report', '--lang', 'en'], run)).err).toContain('  still looking: the database');
});
