import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../src/index.ts';
import { serverProcessesIn } from '../src/process/process-table.ts';
import { codeOf, connectClient, eventually, queryOnce } from './support/clients.ts';
import { EventLog, healthy } from './support/events.ts';
import { directoryOf } from './support/leftovers.ts';

/** Long enough for any answer on a busy machine, short enough to wait for none. */
const SILENCE_MS = 700;
const WHO = "SELECT current_setting('cluster_name') AS name, pg_is_in_recovery() AS standby";

interface Who {
  name: string;
  standby: boolean;
}

describe('faults after a failover, on real servers', () => {
  let cluster: Cluster;
  let events: EventLog;

  beforeAll(async () => {
    cluster = await startCluster({ replicas: 2, poolers: false, promoteAfterMs: 300 });
    events = new EventLog(cluster);
  });
  afterEach(async () => {
    await cluster.undoAllFaults();
    await healthy(cluster);
    expect(await queryOnce<Who>(cluster, WHO)).toMatchObject([{ standby: false }]);
  });
  afterAll(() => cluster.stop());

  /** What each of some new connections to the master address meets, in their order. */
  async function meet(count: number): Promise<string[]> {
    const found: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const answer = queryOnce<Who>(cluster, WHO, 'master', { connectionTimeoutMillis: SILENCE_MS });
      found.push(
        await answer.then(([who]) => (who?.standby === true ? 'standby' : 'primary'), describeFailure),
      );
    }
    return found;
  }

  it('two-masters: every second connection meets the demoted server, whoever that is', async () => {
    const since = Date.now();
    const fault = await cluster.fault('two-masters');
    expect(fault).toMatchObject({ name: 'two-masters', target: 'master' });
    expect((await meet(4)).toSorted()).toEqual(['primary', 'primary', 'standby', 'standby']);
    const { primary: former } = await cluster.status();
    await cluster.fault('switchover');
    await events.next('server:rejoined', { since, server: former ?? '' });
    const { primary, virtualIps } = await cluster.status();
    expect(virtualIps.find(({ kind }) => kind === 'master')?.backends).toEqual([primary, former]);
    const met = [...(await queryOnce<Who>(cluster, WHO)), ...(await queryOnce<Who>(cluster, WHO))];
    expect(new Set(met.map(({ name }) => name))).toEqual(new Set([primary, former]));
    // Alive or not: a frozen one accepts connections and never answers.
    const { appliedAt } = await cluster.fault('freeze-primary');
    await events.next('primary:promoted', { since: appliedAt });
    expect((await meet(4)).toSorted()).toEqual(['primary', 'primary', 'timeout', 'timeout']);
    await fault.undo();
    expect(await meet(4)).toEqual(['primary', 'primary', 'primary', 'primary']);
    const reported = events.all.filter((event) => event.at >= since && event.fault?.name === 'two-masters');
    expect(reported.map(({ type }) => type)).toEqual(['fault:applied', 'fault:undone']);
  });

  it('two-masters with a black hole: the address of a killed primary stays in the list, and is silent', async () => {
    const since = Date.now();
    await cluster.fault('two-masters', { other: 'blackhole' });
    await cluster.fault('kill-primary');
    expect(await meet(1)).toEqual(['timeout']);
    await events.next('primary:promoted', { since });
    expect((await meet(4)).toSorted()).toEqual(['primary', 'primary', 'timeout', 'timeout']);
  });

  it('two-masters with a refusing one: every second connection is reset', async () => {
    await cluster.fault('two-masters', { other: 'refuse' });
    expect((await meet(4)).toSorted()).toEqual(['ECONNRESET', 'ECONNRESET', 'primary', 'primary']);
  });

  it('two-masters at random: the same seed gives the same order', async () => {
    const orders: string[][] = [];
    for (let run = 1; run <= 2; run += 1) {
      const fault = await cluster.fault('two-masters', { other: 'refuse', choice: 'random', seed: 42 });
      orders.push(await meet(12));
      await fault.undo();
    }
    expect(orders[1]).toEqual(orders[0]);
    expect(new Set(orders[0])).toEqual(new Set(['primary', 'ECONNRESET']));
  });

  it('frozen-postmaster: open connections answer, new ones hang, and nobody is promoted', async () => {
    const since = Date.now();
    const before = await cluster.status();
    const client = await connectClient(cluster);
    await client.query('CREATE TABLE IF NOT EXISTS frozen (id int)');
    const fault = await cluster.fault('frozen-postmaster');
    expect(fault.target).toBe(before.primary);
    const processes = serverProcessesIn(`${directoryOf(cluster)}/${before.primary}`);
    expect(processes.filter(({ state }) => state.startsWith('T'))).toHaveLength(1);
    expect(await meet(1)).toEqual(['timeout']);
    const late = connectClient(cluster);
    // Longer than the delay before a promotion, and than two looks of the supervisor at its standbys.
    for (const until = Date.now() + 11_000; Date.now() < until;) {
      // Synchronous: the standbys go on following.
      await client.query('INSERT INTO frozen VALUES (1)');
      const { primary, servers, faults } = await cluster.status();
      expect(primary).toBe(before.primary);
      expect(servers.map(({ state }) => state)).toEqual(['running', 'running', 'running']);
      expect(faults).toMatchObject([{ id: fault.id }]);
    }
    for (const refused of ['switchover', 'restart', 'frozen-postmaster'] as const) {
      await expect(cluster.fault(refused)).rejects.toThrow(
        `${refused}: the postmaster of ${before.primary} is frozen; undo frozen-postmaster first`,
      );
    }
    await fault.undo();
    const served = await late;
    expect((await served.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await served.end();
    await client.end();
    const seen = events.all.filter(({ at }) => at >= since).map(({ type }) => type);
    expect(seen).toEqual(['fault:applied', 'fault:undone']);
    expect((await cluster.status()).timeline).toBe(before.timeline);
  });

  it('frozen-postmaster ends by itself when the server is killed', async () => {
    const since = Date.now();
    const fault = await cluster.fault('frozen-postmaster');
    await cluster.fault('kill-primary');
    await events.next('primary:promoted', { since });
    await eventually(async () => !(await cluster.status()).faults.some(({ id }) => id === fault.id));
    await fault.undo();
  });

  it('a cluster with a frozen postmaster stops at once', async () => {
    const other = await startCluster({ replicas: 0, poolers: false });
    await other.fault('frozen-postmaster');
    const began = performance.now();
    await other.stop();
    // An immediate shutdown that gets no answer is waited for that long.
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  it('two-masters and stale-pooler say what they lack where there is one server and no pooler', async () => {
    const other = await startCluster({ replicas: 0, poolers: false });
    try {
      await expect(other.fault('two-masters')).rejects.toThrow(/needs a second server; start with replicas/);
      await expect(other.fault('stale-pooler')).rejects.toThrow(
        'this cluster has no masterPooler address (it has master)',
      );
      expect((await other.status()).faults).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});

async function describeFailure(error: Error): Promise<string> {
  const code = (await codeOf(Promise.reject(error))) ?? '';
  return /timeout/i.test(code) ? 'timeout' : code;
}
