/** What a drill that was killed has left in the database goes with the next one, and nothing else does. */
import pg from 'pg';
import { expect, it } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { useOperatedLab } from './support/operated-lab.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const lab = useOperatedLab();
const DRILL_MS = 300_000;
const DRILL = ['drill', 'failover', '--yes', '--by', 'switchover', '--clients', '5', '--lang', 'en'];
const LEFT = ['schooldb_loadgen_dead0001_beat', 'schooldb_loadgen_dead0001_ledger'];
const FOREIGN = 'schooldb_loadgen_beef0001_ledger';

async function query(text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(lab().access());
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text);
  await client.end();
  return rows;
}

async function tables(): Promise<unknown[]> {
  const rows = await query(
    `SELECT relname AS name, obj_description(oid, 'pg_class') AS remark FROM pg_class
     WHERE relkind = 'r' AND relname LIKE 'schooldb_loadgen%' ORDER BY 1`,
  );
  return rows;
}

describeWithPoolers('a drill', () => {
  it('drops what a drill that was killed has left, and names it', { timeout: DRILL_MS }, async () => {
    const { server, deploy } = lab();
    const { run } = server.pods;
    const stopping = new AbortController();
    // In the middle of the load its tables are there. A kill would leave them as they are.
    server.pods.run = async () => {
      const [{ remark } = {}] = (await tables()) as { remark?: string }[];
      for (const table of [...LEFT, FOREIGN]) await query(`CREATE TABLE ${table} (a int)`);
      for (const table of LEFT) await query(`COMMENT ON TABLE ${table} IS '${remark ?? ''}'`);
      stopping.abort();
      return new Promise(() => {});
    };
    const first = await deploy(DRILL, { session: { signal: stopping.signal } });
    server.pods.run = run;
    expect(first.code, first.err).toBe(EXIT.interrupted);
    expect(first.out).not.toContain('had left tables behind');
    expect(await tables()).toMatchObject([{ name: FOREIGN }, { name: LEFT[0] }, { name: LEFT[1] }]);

    const again = new AbortController();
    const second = await deploy(DRILL, {
      session: { signal: again.signal },
      onLine: (line) => line.includes('had left tables behind') && again.abort(),
    });
    expect(second.code, second.err).toBe(EXIT.interrupted);
    expect(second.out).toContain(
      `A drill that was killed had left tables behind; they are dropped: ${LEFT.join(', ')}.`,
    );
    expect(await tables()).toEqual([{ name: FOREIGN, remark: null }]);
  });

  it('says why it cannot look for them', { timeout: DRILL_MS }, async () => {
    const { deploy, server } = lab();
    const nowhere = { host: '127.0.0.1', port: 1 };
    const { code, err } = await deploy(DRILL, { session: { reach: () => nowhere } });
    expect(code).toBe(EXIT.failed);
    expect(err).toContain('The load could not be put on: cannot reach');
    expect(err).not.toMatch(/\n +at /);
    // The lock is given back.
    expect(server.api.store.list('coordination.k8s.io/leases')).toEqual([]);
  });
});
