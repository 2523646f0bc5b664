/** `deploy:lab drill failover`: real servers hand over and die under a real load. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { shippedText } from '../scripts/crds/shipped.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import type { DrillResult } from '../src/operations/drill/judge.ts';
import { NAME, useOperatedLab } from './support/operated-lab.ts';
import { killWithPods, patroniIn } from './support/patroni-pods.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const lab = useOperatedLab();
const DRILL_MS = 300_000;

let stopKilling: () => void;
beforeAll(() => {
  lab().server.pods.run = patroniIn(lab());
  stopKilling = killWithPods(lab());
});
afterAll(() => stopKilling?.());
afterEach(async () => {
  // Whatever has happened, the load has taken its tables away.
  expect(await tables()).toEqual([]);
});

async function tables(): Promise<unknown[]> {
  const client = new pg.Client(lab().access());
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE tablename LIKE 'schooldb_loadgen%'`,
  );
  await client.end();
  return rows;
}

/** Times are those of a busy machine, and not what is tested. */
async function labWith(edit: (text: string) => string): Promise<string> {
  const path = join(lab().directory, 'drill.yaml');
  const text = shippedText('lab.yaml')
    .replace('switchoverMs: 15000', 'switchoverMs: 600000')
    .replace('failoverMs: 60000', 'failoverMs: 600000');
  await writeFile(path, edit(text));
  return path;
}

describeWithPoolers('deploy:lab drill failover', () => {
  it(
    'switches over and kills, loses and doubles nothing, and says how long writes waited',
    { timeout: DRILL_MS },
    async () => {
      const path = await labWith((text) => text);
      const args = ['drill', 'failover', '--yes', '--json', '--clients', '5', '--lab', path];
      const { code, out, err } = await lab().deploy(args);
      expect(code, out + err).toBe(EXIT.ok);
      const { ok, drills } = JSON.parse(out) as { ok: boolean; drills: DrillResult[] };
      expect(ok).toBe(true);
      expect(drills.map(({ drill }) => drill)).toEqual(['switchover', 'pod-kill']);
      for (const { from, to, nextWriteMs, writes, missed } of drills) {
        expect(missed).toEqual([]);
        expect(to).not.toBe(from);
        expect(nextWriteMs).toBeGreaterThan(0);
        expect(writes).toMatchObject({ lost: 0, doubled: 0, ghosts: 0, unexpected: 0, unknown: 0 });
        expect(writes?.acknowledged).toBeGreaterThan(50);
      }
      // Nobody is promoted before the delay of the local cluster is over.
      expect(drills[1]?.nextWriteMs).toBeGreaterThan(900);
      expect(err).toContain(`Pod ${drills[1]?.from ?? ''} is deleted`);
      expect(err).toContain('all members are back');
    },
  );

  it('ends with a code of its own where a limit is missed', { timeout: DRILL_MS }, async () => {
    const path = await labWith((text) => text.replace('switchoverMs: 600000', 'switchoverMs: 1'));
    const args = ['drill', 'failover', '--yes', '--by', 'switchover', '--clients', '5', '--lab', path];
    const { code, out } = await lab().deploy([...args, '--lang', 'de']);
    expect(code).toBe(EXIT.limitMissed);
    expect(out).toMatch(/! der nächste Schreibvorgang kam nach \d+\.\d s, erlaubt: 0\.0 s/);
    expect(out).toContain('0 verloren, 0 doppelt, 0 ungewiss');
    expect(out).toContain('1 Grenze ist verfehlt.');
  });

  it('begins with a cluster that is whole, and with consent', async () => {
    const { server, deploy } = lab();
    server.lab.patroni.members.set(`${NAME}-2`, { state: 'start failed' });
    server.lab.start('postgres-operator');
    await expect
      .poll(async () => (await deploy(['drill', 'failover', '--yes'])).err, { timeout: 30_000 })
      .toContain(`${NAME} is not whole: Pod ${NAME}-2 is in the state 'start failed'`);
    server.lab.patroni.members.clear();
    server.lab.start('postgres-operator');
    await expect
      .poll(async () => (await deploy(['drill', 'failover'], { ask: async () => 'n' })).out, {
        timeout: 30_000,
      })
      .toContain('Nothing was changed.');
    for (const [args, message] of [
      [['drill', 'fire'], "'fire' cannot be drilled; allowed: failover"],
      [['drill', 'failover', '--by', 'storm'], "'storm' is no kind of drill; allowed: switchover, pod-kill"],
      [['drill', 'failover', '--clients', '0'], "'0' is no number of clients; allowed: 1 to 1000"],
      [['drill', 'failover'], 'there is no terminal to ask at; add --yes'],
    ] as const) {
      const { code, err } = await deploy(args);
      expect({ code, err }).toEqual({ code: EXIT.usage, err: `deploy:lab: ${message}` });
    }
  });

  it(
    'is stopped by Ctrl-C while Patroni is asked, and takes its load away',
    { timeout: DRILL_MS },
    async () => {
      const stopping = new AbortController();
      const { database, deploy, server } = lab();
      const { timeline } = await database.status();
      const { run } = server.pods;
      server.pods.run = () => {
        stopping.abort();
        return new Promise(() => {});
      };
      const path = await labWith((text) => text);
      const { code, err } = await deploy(['drill', 'failover', '--yes', '--clients', '5', '--lab', path], {
        session: { signal: stopping.signal },
      });
      server.pods.run = run;
      expect({ code, err }).toMatchObject({ code: EXIT.interrupted });
      expect(err).toContain('Stopped.');
      expect((await database.status()).timeline).toBe(timeline);
    },
  );
});
