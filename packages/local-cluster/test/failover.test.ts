import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { descendantsOf, serverProcessesIn } from '../src/process/process-table.ts';
import { startCluster, type Cluster } from '../src/index.ts';
import { codeOf, connectClient, eventually, queryOnce } from './support/clients.ts';
import { directoryOf } from './support/leftovers.ts';
import { EventLog, healthy } from './support/events.ts';
import { postmasterOf } from './support/postmaster.ts';

const INIT =
  'CREATE TABLE ledger (writer int, seq int, PRIMARY KEY (writer, seq)); ALTER TABLE ledger OWNER TO bauer;';

describe('a synchronous cluster', () => {
  let cluster: Cluster;
  let events: EventLog;

  beforeAll(async () => {
    cluster = await startCluster({ poolers: false, promoteAfterMs: 1_000, initSql: INIT });
    events = new EventLog(cluster);
  });
  afterEach(() => healthy(cluster));
  afterAll(() => cluster.stop());

  it('loses no acknowledged write when the primary is killed, five times in a row', async () => {
    for (let round = 1; round <= 5; round += 1) {
      const since = Date.now();
      const before = await cluster.status();
      const acknowledged = await writeUntilKilled(cluster, round);
      const promoted = await events.next('primary:promoted', { since });
      expect(promoted.server).not.toBe(before.primary);
      expect(promoted.timeline).toBe((before.timeline ?? 0) + 1);
      const rows = await eventually(() =>
        queryOnce<{ seq: number }>(
          cluster,
          `SELECT writer * 100000 + seq AS seq FROM ledger WHERE writer / 100 = ${round}`,
        ),
      );
      const present = new Set(rows.map(({ seq }) => seq));
      expect(acknowledged.length).toBeGreaterThan(10);
      expect(acknowledged.filter((seq) => !present.has(seq))).toEqual([]);
      const rejoined = await events.next('server:rejoined', { since, server: before.primary ?? '' });
      expect(rejoined.timeline).toBe(promoted.timeline);
      await healthy(cluster);
      // What was killed follows again, and has what was written without it.
      await queryOnce(cluster, `INSERT INTO ledger VALUES (${round}, 0)`);
      await expectEverywhere(cluster, `SELECT count(*)::int AS found FROM ledger WHERE writer = ${round}`, {
        found: 1,
      });
    }
  });

  it('reports a fault, a loss and a promotion in this order, with times', async () => {
    const since = Date.now();
    const fault = await cluster.fault('kill-primary');
    await events.next('primary:promoted', { since });
    await events.next('fault:undone', { since });
    const seen = events.all.filter(({ at, type }) => at >= since && /^(fault|primary):/.test(type));
    expect(seen.map(({ type }) => type)).toEqual([
      'fault:applied',
      'primary:lost',
      'primary:promoted',
      'fault:undone',
    ]);
    const [applied, lost, promoted, undone] = seen;
    expect(applied).toMatchObject({
      at: fault.appliedAt,
      fault: { id: fault.id, name: 'kill-primary', target: fault.target },
    });
    expect(undone?.fault?.id).toBe(fault.id);
    expect((promoted?.at ?? 0) - (lost?.at ?? 0)).toBeGreaterThanOrEqual(990);
    // It has ended by itself: undo has nothing left to do.
    await fault.undo();
  });

  it('kills the whole process tree before anybody is promoted', async () => {
    const { primary } = await cluster.status();
    const client = await connectClient(cluster);
    const directory = `${directoryOf(cluster)}/${primary}`;
    // A backend at work does not notice that its postmaster is gone.
    const busy = codeOf(client.query('SELECT count(*) FROM generate_series(1, 1000000000)'));
    const backend = (client as unknown as { processID: number }).processID;
    await eventually(() =>
      serverProcessesIn(directory).some(({ pid, state }) => pid === backend && state === 'R'),
    );
    const fault = await cluster.fault('kill-primary');
    expect(fault.target).toBe(primary);
    expect(serverProcessesIn(directory)).toEqual([]);
    await client.lost;
    expect(await busy).toBeDefined();
    expect(await codeOf(connectClient(cluster))).toBe('ECONNREFUSED');
  });

  it('promotes when the primary dies by itself, and sweeps up its orphaned backends', async () => {
    const since = Date.now();
    const { primary } = await cluster.status();
    const client = await connectClient(cluster);
    const postmaster = postmasterOf(cluster, primary);
    process.kill(postmaster, 'SIGKILL');
    await client.lost;
    const lost = await events.next('primary:lost', { since, server: primary ?? '' });
    const promoted = await events.next('primary:promoted', { since });
    expect(promoted.at).toBeGreaterThanOrEqual(lost.at + 990);
  });

  it('starts a standby again that dies by itself', async () => {
    const since = Date.now();
    const { primary, servers } = await cluster.status();
    const standby = servers.find(({ name }) => name !== primary)?.name ?? '';
    process.kill(postmasterOf(cluster, standby), 'SIGKILL');
    await events.next('server:lost', { since, server: standby });
    await events.next('server:rejoined', { since, server: standby });
    expect((await cluster.status()).primary).toBe(primary);
  });

  it('freezes every process of the primary, promotes, and never wakes it as a second primary', async () => {
    const since = Date.now();
    const { primary, timeline } = await cluster.status();
    const client = await connectClient(cluster);
    const fault = await cluster.fault('freeze-primary');
    const states = serverProcessesIn(`${directoryOf(cluster)}/${primary}`).map(({ state }) => state);
    expect(new Set(states)).toEqual(new Set(['T']));
    // Open connections are silent; new ones are accepted and silent, until somebody else is primary.
    const answer = codeOf(client.query('SELECT 1'));
    expect(await codeOf(queryOnce(cluster, 'SELECT 1', 'master', { connectionTimeoutMillis: 150 }))).toMatch(
      /timeout/i,
    );
    await events.next('primary:promoted', { since });
    expect(await queryOnce(cluster, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await cluster.status()).toMatchObject({
      timeline: (timeline ?? 0) + 1,
      faults: [{ id: fault.id, name: 'freeze-primary', target: primary }],
    });
    expect((await cluster.status()).servers.find(({ name }) => name === primary)?.state).toBe('frozen');
    await fault.undo();
    // The connection that hung on it learns the truth now.
    expect(await answer).toBeDefined();
    await events.next('server:rejoined', { since, server: primary ?? '' });
  });

  it('restarts the primary in place, without a promotion', async () => {
    const since = Date.now();
    const { primary, timeline } = await cluster.status();
    const client = await connectClient(cluster);
    await cluster.fault('restart');
    await client.lost;
    expect(await queryOnce(cluster, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await cluster.status()).toMatchObject({ primary, timeline });
    expect(events.all.filter(({ at, type }) => at >= since && type === 'primary:promoted')).toEqual([]);
  });

  it('hands over in a planned switchover, and the old primary follows without being cloned', async () => {
    const since = Date.now();
    const { primary, timeline } = await cluster.status();
    await queryOnce(cluster, 'INSERT INTO ledger VALUES (9999, 1)');
    await cluster.fault('switchover');
    const after = await cluster.status();
    expect(after.primary).not.toBe(primary);
    expect(after.timeline).toBe((timeline ?? 0) + 1);
    await events.next('server:rejoined', { since, server: primary ?? '' });
    expect(events.all.filter(({ at, type }) => at >= since && type === 'server:cloning')).toEqual([]);
    await queryOnce(cluster, 'INSERT INTO ledger VALUES (9999, 2)');
    await expectEverywhere(cluster, 'SELECT count(*)::int AS found FROM ledger WHERE writer = 9999', {
      found: 2,
    });
  });

  it('does not promote while a standby is missing that may alone hold acknowledged commits', async () => {
    const since = Date.now();
    const { primary, servers } = await cluster.status();
    const missing = servers.find(({ name }) => name !== primary)?.name ?? '';
    const processes = [
      postmasterOf(cluster, missing),
      ...descendantsOf([postmasterOf(cluster, missing)]).map(({ pid }) => pid),
    ];
    for (const pid of processes) process.kill(pid, 'SIGSTOP');
    try {
      await cluster.fault('kill-primary');
      const blocked = await events.next('promotion:blocked', { since });
      expect(blocked.detail).toContain(`${missing} may hold acknowledged commits and does not answer`);
      expect(await cluster.status()).toMatchObject({
        primary: null,
        timeline: null,
        blocked: `${missing} may hold acknowledged commits and does not answer`,
      });
      expect(events.all.filter(({ at, type }) => at >= since && type === 'primary:promoted')).toEqual([]);
    } finally {
      for (const pid of processes) process.kill(pid, 'SIGCONT');
    }
    await events.next('primary:promoted', { since });
    expect((await cluster.status()).blocked).toBeNull();
  });
});

describe('undo before the promotion', () => {
  it.each(['kill-primary', 'freeze-primary'] as const)('gives the role back after %s', async (name) => {
    await using cluster = await startCluster({
      replicas: 1,
      poolers: false,
      promoteAfterMs: false,
      initSql: INIT,
    });
    await queryOnce(cluster, 'INSERT INTO ledger VALUES (1, 1)');
    const client = await connectClient(cluster);
    const fault = await cluster.fault(name);
    expect(await cluster.status()).toMatchObject({ primary: null });
    await fault.undo();
    await fault.undo();
    expect(await cluster.status()).toMatchObject({ primary: 'pg1', timeline: 1, faults: [] });
    if (name === 'freeze-primary') expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    else await client.lost;
    await queryOnce(cluster, 'INSERT INTO ledger VALUES (1, 2)');
    await expectEverywhere(cluster, 'SELECT count(*)::int AS found FROM ledger', { found: 2 });
    await cluster.fault(name).then(() => cluster.undoAllFaults());
    await healthy(cluster);
    await client.end().catch(() => undefined);
  });
});

describe('a restart that takes longer than a promotion may wait', () => {
  it('ends in a promotion', async () => {
    await using cluster = await startCluster({ replicas: 1, poolers: false, promoteAfterMs: 0 });
    const events = new EventLog(cluster);
    await cluster.fault('restart');
    expect(await events.next('primary:promoted')).toMatchObject({ server: 'pg2', timeline: 2 });
    await events.next('server:rejoined', { server: 'pg1' });
    await queryOnce(cluster, 'CREATE TABLE t ()');
  });
});

describe('an asynchronous cluster', () => {
  it('promotes although another standby is missing', async () => {
    await using cluster = await startCluster({ synchronous: false, poolers: false, promoteAfterMs: 100 });
    const events = new EventLog(cluster);
    const missing = postmasterOf(cluster, 'pg3');
    process.kill(missing, 'SIGSTOP');
    for (const { pid } of descendantsOf([missing])) process.kill(pid, 'SIGSTOP');
    await cluster.fault('kill-primary');
    expect(await events.next('primary:promoted')).toMatchObject({ server: 'pg2', timeline: 2 });
    await queryOnce(cluster, 'CREATE TABLE t ()');
  });
});

/** Eight writers, each with a rising sequence; what was acknowledged before the primary died. */
async function writeUntilKilled(cluster: Cluster, round: number): Promise<number[]> {
  const acknowledged: number[] = [];
  const writers = Array.from({ length: 8 }, async (_, index) => {
    const writer = round * 100 + index;
    const client = await connectClient(cluster);
    for (let seq = 1; ; seq += 1) {
      try {
        await client.query('INSERT INTO ledger VALUES ($1, $2)', [writer, seq]);
        acknowledged.push(writer * 100_000 + seq);
      } catch {
        return;
      }
    }
  });
  await eventually(() => acknowledged.length > 100);
  await cluster.fault('kill-primary');
  await Promise.all(writers);
  return acknowledged;
}

async function expectEverywhere(cluster: Cluster, sql: string, row: object): Promise<void> {
  for (const { port } of cluster.servers) {
    await eventually(async () => {
      const [found] = await queryOnce(cluster, sql, 'master', { port });
      expect(found).toEqual(row);
      return true;
    });
  }
}
