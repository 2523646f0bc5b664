import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../src/index.ts';
import { eventually, queryOnce } from './support/clients.ts';
import { EventLog } from './support/events.ts';
import { FAILOVER_MS, healthyUnderPatroni, patroniSkipped, patroniSuite } from './support/patroni.ts';

const INIT = 'CREATE TABLE ledger (id int PRIMARY KEY); ALTER TABLE ledger OWNER TO bauer;';
/** Longer than the leader's lease and the look at it. */
const LEASE_MS = 23_000;

describe.skipIf(patroniSkipped)(patroniSuite('faults of agents and of etcd'), () => {
  let cluster: Cluster;
  let events: EventLog;

  beforeAll(async () => {
    cluster = await startCluster({ engine: 'patroni', poolers: false, initSql: INIT });
    events = new EventLog(cluster);
  });
  afterEach(async () => {
    await cluster.undoAllFaults();
    await healthyUnderPatroni(cluster);
    await queryOnce(cluster, 'TRUNCATE ledger');
  });
  afterAll(() => cluster.stop());

  const promoted = (since: number) => events.next('primary:promoted', { since, timeoutMs: FAILOVER_MS });
  const roleOf = async (name: string | null) =>
    (await cluster.status()).servers.find((server) => server.name === name)?.role;

  it('kill-agent: the server goes on without a role, and has it back with another agent', async () => {
    const since = Date.now();
    const { primary, timeline } = await cluster.status();
    const fault = await cluster.fault('kill-agent');
    expect(fault.target).toBe(primary);
    await events.next('primary:lost', { since, server: primary ?? '' });
    const { servers } = await cluster.status();
    expect(servers.find(({ name }) => name === primary)).toMatchObject({ state: 'running', role: 'primary' });
    await eventually(async () => (await cluster.status()).virtualIps[0]?.backends.length === 0);
    await fault.undo();
    const back = await events.next('primary:restarted', { since, timeoutMs: FAILOVER_MS });
    expect(back).toMatchObject({ server: primary, timeline });
  });

  it('freeze-agent: another is promoted beside the old primary, which must not take the role back', async () => {
    const since = Date.now();
    const { primary } = await cluster.status();
    const fault = await cluster.fault('freeze-agent');
    const { server } = await promoted(since);
    expect(server).not.toBe(primary);
    // Nobody is there to demote it.
    expect(await roleOf(primary)).toBe('primary');
    await eventually(() => queryOnce(cluster, 'INSERT INTO ledger VALUES (1)'));
    await fault.undo();
    await healthyUnderPatroni(cluster);
    expect((await cluster.status()).primary).toBe(server);
    expect(await queryOnce(cluster, 'SELECT id FROM ledger')).toEqual([{ id: 1 }]);
  });

  it('lose-etcd: the primary demotes itself, and has its role back with etcd', async () => {
    const since = Date.now();
    const { primary } = await cluster.status();
    const fault = await cluster.fault('lose-etcd');
    expect(fault.target).toBe('etcd');
    await events.next('primary:lost', { since, timeoutMs: FAILOVER_MS });
    await eventually(async () => (await roleOf(primary)) === 'standby');
    const blocked = await events.next('promotion:blocked', { since });
    expect(blocked.detail).toBe('no promotion: etcd is lost, and without it nobody has the role');
    expect(await cluster.status()).toMatchObject({ primary: null, faults: [{ id: fault.id }] });
    await fault.undo();
    await healthyUnderPatroni(cluster);
    expect((await cluster.status()).blocked).toBeNull();
  });

  it('cut-etcd: the primary demotes itself, and another is promoted', async () => {
    const since = Date.now();
    const { primary } = await cluster.status();
    const fault = await cluster.fault('cut-etcd');
    expect(fault.target).toBe(primary);
    await events.next('primary:lost', { since, timeoutMs: FAILOVER_MS });
    const { server } = await promoted(since);
    expect(server).not.toBe(primary);
    expect(await roleOf(primary)).not.toBe('primary');
    await fault.undo();
    await healthyUnderPatroni(cluster);
    expect((await cluster.status()).primary).toBe(server);
  });

  it('pause: nobody is promoted for a primary that died, until it is undone', async () => {
    const since = Date.now();
    const { primary } = await cluster.status();
    const pause = await cluster.fault('pause');
    await cluster.fault('kill-primary');
    const blocked = await events.next('promotion:blocked', { since });
    expect(blocked.detail).toBe('no promotion: Patroni is paused, and promotes nobody');
    await eventually(async () => {
      expect((await cluster.status()).primary).toBeNull();
      return Date.now() - since > LEASE_MS;
    });
    await pause.undo();
    expect((await promoted(since)).server).not.toBe(primary);
  });

  it('partition: a primary that is alone demotes itself, and the others go on without it', async () => {
    const since = Date.now();
    const { primary, servers } = await cluster.status();
    const others = servers.filter(({ name }) => name !== primary).map(({ name }) => name);
    const fault = await cluster.fault('partition');
    expect(fault.target).toBe(`${primary} | ${others.join(', ')}, control`);
    const { server } = await promoted(since);
    expect(others).toContain(server);
    await eventually(() => queryOnce(cluster, 'INSERT INTO ledger VALUES (1)'));
    expect(await roleOf(primary)).not.toBe('primary');
    await fault.undo();
    await healthyUnderPatroni(cluster);
    expect((await cluster.status()).primary).toBe(server);
    expect(await queryOnce(cluster, 'SELECT id FROM ledger')).toEqual([{ id: 1 }]);
  });

  it('partition from clients: the address leads nowhere, and the role stays', async () => {
    const { primary, timeline } = await cluster.status();
    const fault = await cluster.fault('partition', { groups: [['clients'], ['primary', 'standbys']] });
    await eventually(async () => {
      const { virtualIps } = await cluster.status();
      return virtualIps.every(({ backends }) => backends.length === 0);
    });
    expect(await cluster.status()).toMatchObject({ primary, timeline });
    await fault.undo();
    await healthyUnderPatroni(cluster);
    expect(await cluster.status()).toMatchObject({ primary, timeline });
  });
});
