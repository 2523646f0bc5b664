import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../src/index.ts';
import { codeOf, connectClient, queryOnce } from './support/clients.ts';
import { EventLog } from './support/events.ts';

/** Long enough for any answer on a busy machine, short enough to wait for none. */
const SILENCE_MS = 700;

describe.each([
  ['passes on as it is', false],
  ['decrypts', true],
])('network faults, as a plain client sees them on what the virtual IP %s', (_how, terminateTls) => {
  let cluster: Cluster;
  let events: EventLog;

  beforeAll(async () => {
    cluster = await startCluster({ replicas: 1, poolers: false, terminateTls });
    events = new EventLog(cluster);
  });
  afterEach(async () => {
    await cluster.undoAllFaults();
    expect((await cluster.status()).faults).toEqual([]);
    expect(await queryOnce(cluster, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
  afterAll(() => cluster.stop());

  it('refuse: new connections are refused, open ones stay', async () => {
    const client = await connectClient(cluster);
    await cluster.fault('refuse');
    expect(await codeOf(connectClient(cluster))).toBe('ECONNREFUSED');
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  it('reset_peer: open connections are reset, new ones after they were accepted', async () => {
    const client = await connectClient(cluster);
    const fault = await cluster.fault('reset_peer');
    await client.lost;
    expect(await codeOf(connectClient(cluster))).toBe('ECONNRESET');
    await fault.undo();
    expect(await queryOnce(cluster, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('blackhole: open connections hang and new ones stay silent, until undo delivers what was sent', async () => {
    const client = await connectClient(cluster);
    const fault = await cluster.fault('blackhole');
    let answered = false;
    const answer = client.query('SELECT 1 AS one').finally(() => (answered = true));
    expect(await codeOf(connectClient(cluster, 'master', { connectionTimeoutMillis: SILENCE_MS }))).toMatch(
      /timeout/i,
    );
    expect(answered).toBe(false);
    await fault.undo();
    expect((await answer).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  it('blackhole upstream: the server does not hear the client', async () => {
    const client = await connectClient(cluster);
    await queryOnce(cluster, 'CREATE TABLE IF NOT EXISTS hole (id int)');
    const fault = await cluster.fault('blackhole', { direction: 'upstream' });
    const insert = client.query('INSERT INTO hole VALUES (1)');
    expect(await codeOf(connectClient(cluster, 'master', { connectionTimeoutMillis: SILENCE_MS }))).toMatch(
      /timeout/i,
    );
    // Past the virtual IP the server is well, and has not seen the row.
    const port = cluster.servers[0]?.port ?? 0;
    expect(await queryOnce(cluster, 'SELECT count(*)::int AS rows FROM hole', 'master', { port })).toEqual([
      { rows: 0 },
    ]);
    await fault.undo();
    await insert;
    await client.end();
  });

  it('blackhole downstream: the server acts, the client does not hear of it', async () => {
    await queryOnce(cluster, 'CREATE TABLE IF NOT EXISTS answers (id int)');
    const client = await connectClient(cluster);
    const fault = await cluster.fault('blackhole', { direction: 'downstream' });
    let answered = false;
    const insert = client.query('INSERT INTO answers VALUES (1)').finally(() => (answered = true));
    const port = cluster.servers[0]?.port ?? 0;
    await expect
      .poll(() => queryOnce(cluster, 'SELECT count(*)::int AS rows FROM answers', 'master', { port }), {
        timeout: 30_000,
      })
      .toEqual([{ rows: 1 }]);
    expect(answered).toBe(false);
    await fault.undo();
    await insert;
    await client.end();
  });

  it('latency: a round trip takes twice the delay', async () => {
    const client = await connectClient(cluster);
    await cluster.fault('latency', { latencyMs: 150, jitterMs: 20 });
    const began = performance.now();
    await client.query('SELECT 1');
    expect(performance.now() - began).toBeGreaterThan(255);
    await client.end();
  });

  it('bandwidth: much takes long, and little does not', async () => {
    const client = await connectClient(cluster);
    await cluster.fault('bandwidth', { bytesPerSecond: 100_000, direction: 'downstream' });
    const began = performance.now();
    const { rows } = await client.query<{ text: string }>("SELECT repeat('x', 50000) AS text");
    expect(rows[0]?.text).toHaveLength(50_000);
    expect(performance.now() - began).toBeGreaterThan(490);
    await client.query('SELECT length($1)', ['x'.repeat(1_000_000)]);
    await client.end();
  });

  it('slicer: everything arrives, in pieces, also with a latency', async () => {
    await cluster.fault('slicer', { sliceBytes: 7, pauseMs: 0 });
    await cluster.fault('latency', { latencyMs: 5 });
    const client = await connectClient(cluster);
    const text = 'äöü'.repeat(2_000);
    expect((await client.query('SELECT $1 AS text', [text])).rows).toEqual([{ text }]);
    await client.end();
  });

  it('limit_data: the connection is closed in order after so many bytes', async () => {
    const client = await connectClient(cluster);
    const ended = new Promise<boolean>((resolve) => {
      client.connection.stream.once('end', () => resolve(true)).once('error', () => resolve(false));
    });
    await cluster.fault('limit_data', { limitBytes: 2_000, direction: 'downstream' });
    await client.query('SELECT 1');
    await expect(client.query("SELECT repeat('x', 5000)")).rejects.toThrow(
      'Connection terminated unexpectedly',
    );
    expect(await ended).toBe(true);
    // Logging in alone takes more than that.
    await cluster.fault('limit_data', { limitBytes: 500 });
    await expect(codeOf(connectClient(cluster))).resolves.toBeDefined();
  });

  it('hits the address it is given, and no other', async () => {
    const fault = await cluster.fault('refuse', { endpoint: 'replica' });
    expect(fault).toMatchObject({ name: 'refuse', target: 'replica' });
    expect(await codeOf(connectClient(cluster, 'replica'))).toBe('ECONNREFUSED');
    expect(await queryOnce(cluster, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('shows what is in force, and reports each application and undo once, with a time', async () => {
    const before = Date.now();
    const first = await cluster.fault('latency', { latencyMs: 1 });
    const second = await cluster.fault('refuse', { endpoint: 'replica' });
    expect((await cluster.status()).faults).toEqual([
      { id: first.id, name: 'latency', target: 'master', appliedAt: first.appliedAt },
      { id: second.id, name: 'refuse', target: 'replica', appliedAt: second.appliedAt },
    ]);
    await first.undo();
    await first.undo();
    await cluster.undoAllFaults();
    await events.next('fault:undone', { since: before });
    const reported = events.all
      .filter(({ at }) => at >= before)
      .map(({ type, fault }) => `${type} ${fault?.id}`);
    expect(reported).toEqual([
      `fault:applied ${first.id}`,
      `fault:applied ${second.id}`,
      `fault:undone ${first.id}`,
      `fault:undone ${second.id}`,
    ]);
    expect(first.appliedAt).toBeGreaterThanOrEqual(before);
    expect(first.appliedAt).toBeLessThanOrEqual(Date.now());
    await expect(cluster.undoFault('nothing')).rejects.toThrow(
      'no fault "nothing" is in force (in force: none)',
    );
  });
});
