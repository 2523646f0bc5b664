/** `runLoad` as others use it: with a fault that they make themselves, and tables that a killed run of theirs has left. */
import { startCluster } from '@schooldb/local-cluster';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cleanup, dropAbandoned, runLoad, targetBed, TargetError } from '../src/index.ts';
import type { OutsideFault, RunOptions, RunReport, Target } from '../src/index.ts';
import { PlainConnection } from '../src/drivers/plain-connection.ts';

let cluster: Cluster;
beforeAll(async () => void (cluster = await startCluster({ replicas: 1, poolers: false })));
afterAll(() => cluster?.stop());

const OPTIONS: RunOptions = {
  driver: 'schooldb',
  workload: 'ledger',
  clients: 5,
  thinkMs: 10,
  // Whoever makes the fault ends the load.
  durationMs: 600_000,
  maxConnections: 5,
  rows: 0,
  seed: 1,
  faults: [],
  pace: 'on-time',
  promoteAfterMs: 0,
  verify: true,
  keep: false,
};

function target(): Target {
  const { endpoints, database, user, password, ca } = cluster;
  const { master, replica } = endpoints;
  return { master, replica: replica ?? null, database, user, password, tls: { ca, verify: true } };
}

interface Run {
  readonly report: RunReport;
  readonly warnings: readonly string[];
}

/** @param act - hears of each count of successful writes. */
async function load(
  options: Partial<RunOptions>,
  { outside, owner }: { outside?: OutsideFault; owner?: string },
  act: (writes: number) => void = () => {},
): Promise<Run> {
  const warnings: string[] = [];
  const nothing = (): void => {};
  const report = await runLoad(
    await targetBed(target()),
    { ...OPTIONS, ...options },
    {
      listener: {
        stage: nothing,
        loadStarted: nothing,
        servers: nothing,
        event: nothing,
        progress: ({ write }) => act(write.ok + write['ok-dedup']),
        warning: (text) => void warnings.push(text),
      },
      signal: new AbortController().signal,
      cleanup: new Cleanup(),
      ...(outside && { outside }),
      ...(owner !== undefined && { owner }),
    },
  );
  return { report, warnings };
}

async function query(text: string): Promise<Record<string, unknown>[]> {
  const connection = await PlainConnection.open({
    address: cluster.endpoints.master,
    ...target(),
    applicationName: 'test',
    connectTimeoutMs: 30_000,
    queryTimeoutMs: 30_000,
  });
  try {
    return (await connection.query(text)).rows;
  } finally {
    connection.destroy();
  }
}

async function tables(): Promise<string[]> {
  const rows = await query(
    `select tablename as name from pg_tables where tablename like 'schooldb_loadgen%' order by 1`,
  );
  return rows.map(({ name }) => String(name));
}

describe('a fault that somebody else makes', () => {
  it('is measured from when it was made to the next success, and ends the load in good order', async () => {
    const enough = new AbortController();
    let startedAt: number | null = null;
    let promotedAt = 0;
    let wroteAgainAt = 0;
    const stopListening = cluster.on(({ type }) => {
      if (type === 'primary:promoted') promotedAt = Date.now();
    });
    let atPromotion = 0;
    const { report, warnings } = await load(
      {},
      { outside: { startedAt: () => startedAt, enough: enough.signal } },
      (writes) => {
        if (startedAt === null && writes > 20) {
          startedAt = Date.now();
          void cluster.fault('kill-primary');
        }
        if (promotedAt === 0) atPromotion = writes;
        else if (writes > atPromotion + 20 && wroteAgainAt === 0) {
          wroteAgainAt = Date.now();
          enough.abort();
        }
      },
    ).finally(stopListening);
    expect(report.outsideFault?.startedAt).toBe(startedAt);
    const stallMs = report.outsideFault?.stallMs ?? 0;
    // No write could succeed before the promotion, and one had when it was seen.
    expect(stallMs).toBeGreaterThan((promotedAt - (startedAt ?? 0)) / 2);
    expect(stallMs).toBeLessThanOrEqual(wroteAgainAt - (startedAt ?? 0));
    expect(report.faults).toEqual([]);
    expect(report.interrupted).toBe(false);
    expect(report.verification?.verdict).toBe('pass');
    expect(report.verification?.check?.counts).toMatchObject({ lost: 0, duplicate: 0 });
    expect(warnings).toEqual([]);
    expect(await tables()).toEqual([]);
  });

  it('that falls into a standstill counts from itself on', async () => {
    // Nothing is written any more, and only later somebody says that it began.
    await expect.poll(async () => (await cluster.status()).primary, { timeout: 60_000 }).not.toBeNull();
    const enough = new AbortController();
    let [killedAt, startedAt] = [0, 0];
    let atStart = 0;
    const stopListening = cluster.on(({ type }) => {
      if (type === 'primary:promoted') startedAt = Date.now();
    });
    const { report } = await load(
      {},
      { outside: { startedAt: () => startedAt, enough: enough.signal } },
      (writes) => {
        if (killedAt === 0 && writes > 20) {
          killedAt = Date.now();
          void cluster.fault('kill-primary');
        }
        if (startedAt === 0) atStart = writes;
        else if (writes > atStart + 20) enough.abort();
      },
    ).finally(stopListening);
    const whole = report.longestStallMs;
    expect(whole).toBeGreaterThanOrEqual(startedAt - killedAt);
    expect(report.outsideFault?.stallMs).toBeLessThan(whole);
  });

  it('that never came is none in the report', async () => {
    const enough = new AbortController();
    const { report, warnings } = await load(
      {},
      { outside: { startedAt: () => null, enough: enough.signal } },
      (writes) => writes > 20 && enough.abort(),
    );
    expect(report.outsideFault).toBeNull();
    expect(report.interrupted).toBe(false);
    expect(report.verification?.verdict).toBe('pass');
    expect(warnings).toEqual([]);
  });

  it('may have been enough before the load began', async () => {
    const { report } = await load({}, { outside: { startedAt: () => 1, enough: AbortSignal.abort() } });
    expect(report.operations).toBeLessThan(1_000);
    expect(report.interrupted).toBe(false);
  });
});

describe('the tables of a run that was killed', () => {
  const SHORT = { durationMs: 300, driver: 'pg', keep: true } as const;

  it("are dropped for their owner, and nobody else's", async () => {
    const owner = "it's a drill";
    await load(SHORT, { owner });
    const mine = await tables();
    expect(mine).toHaveLength(2);
    await load(SHORT, { owner: 'somebody else' });
    await load(SHORT, {});
    await query('create table schooldb_loadgen_notes (note text)');
    await query(`comment on table schooldb_loadgen_notes is 'it''s a drill'`);
    const all = await tables();
    expect(all).toHaveLength(7);

    expect(await dropAbandoned(target(), owner)).toEqual(mine);
    expect(await tables()).toEqual(all.filter((each) => !mine.includes(each)));
    expect(await dropAbandoned(target(), owner)).toEqual([]);
  });

  it('are not to be had where the database is not', async () => {
    const nowhere = { ...target(), database: 'nowhere' };
    await expect(dropAbandoned(nowhere, 'me')).rejects.toThrow(TargetError);
  });
});
