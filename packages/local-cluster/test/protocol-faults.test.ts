import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findPgbouncer } from '../src/engine/embedded/binaries.ts';
import { startCluster, type Cluster, type EndpointKind, type FaultOptions } from '../src/index.ts';
import { codeOf, connectClient, eventually, queryOnce, type Client } from './support/clients.ts';
import { EventLog } from './support/events.ts';

const pooled = (await findPgbouncer()) !== undefined || process.env['CI'] !== undefined;

/** One step of a transaction as a client takes it; each waits for the answer to the one before. */
type Step = (client: Client, id: number) => Promise<unknown>;

const SIMPLE: readonly Step[] = [
  (client) => client.query('BEGIN'),
  (client, id) => client.query(`INSERT INTO t VALUES (${id})`),
  (client) => client.query('COMMIT'),
  (client) => client.end(),
];
const EXTENDED: readonly Step[] = [
  (client) => client.query('BEGIN'),
  (client, id) => client.query('INSERT INTO t VALUES ($1)', [id]),
  (client) => client.query({ name: 'commit', text: 'COMMIT' }),
  (client) => client.end(),
];
const AUTOCOMMIT: readonly Step[] = [
  (client, id) => client.query('INSERT INTO t VALUES ($1)', [id]),
  (client) => client.end(),
];

/** Everything at once and one Sync, as a pipelining client sends it. */
const inOneFlush: Step = async ({ connection }, id) => {
  connection.stream.cork();
  for (const text of ['BEGIN', `INSERT INTO t VALUES (${id})`, 'COMMIT']) {
    connection.parse({ name: '', text, types: [] }, true);
    connection.bind({}, true);
    connection.execute({}, true);
  }
  connection.sync();
  connection.stream.uncork();
  // Rejects with the error that comes before.
  await once(connection.stream, 'close');
};

interface Row {
  id: number;
}

describe('faults of the protocol', () => {
  let cluster: Cluster;
  let events: EventLog;
  /** Past the virtual IPs: what the server itself says. */
  let witness: Client;
  let lastId = 0;

  beforeAll(async () => {
    cluster = await startCluster({ replicas: 0, poolers: pooled, maxConnections: 200 });
    events = new EventLog(cluster);
    const [server] = cluster.servers;
    witness = await connectClient(cluster, 'master', { ...server, ...cluster.superuser });
    await witness.query('CREATE TABLE t (id int); ALTER TABLE t OWNER TO bauer');
  });
  afterEach(async () => {
    await cluster.undoAllFaults();
    expect(await queryOnce(cluster, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
  afterAll(async () => {
    await witness.end();
    await cluster.stop();
  });

  async function rowsOf(id: number): Promise<number> {
    return (await witness.query<Row>('SELECT id FROM t WHERE id = $1', [id])).rows.length;
  }

  /** How many rows there are once the backend is through with everything and gone. */
  async function rowsInTheEnd(id: number, { pid }: { pid: number }): Promise<number> {
    const backend = 'SELECT FROM pg_stat_activity WHERE pid = $1';
    await eventually(async () => (await witness.query(backend, [pid])).rowCount === 0);
    return rowsOf(id);
  }

  /** Takes the steps until one fails: which one that was, counted from 0, and how. */
  async function take(steps: readonly Step[], client: Client, id: number): Promise<[number, string]> {
    for (const [index, step] of steps.entries()) {
      const error = await codeOf(step(client, id));
      if (error !== undefined) return [index, error];
    }
    return [steps.length, 'none'];
  }

  /** One transaction on a connection that was opened while the fault is in force. */
  async function underFault(
    name: 'cut-after-commit' | 'cut-at-message',
    options: FaultOptions,
    steps = SIMPLE,
  ) {
    const id = (lastId += 1);
    const since = Date.now();
    const fault = await cluster.fault(name, options);
    const client = await connectClient(cluster);
    const [failed, error] = await take(steps, client, id);
    await client.lost;
    const undone = await eventually(() =>
      events.all.find((event) => event.type === 'fault:undone' && event.fault?.id === fault.id),
    );
    expect(undone.detail).toBe(`${name} on master has ended by itself`);
    expect(undone.at).toBeGreaterThanOrEqual(since);
    return { failed, error, rows: await rowsInTheEnd(id, { pid: client.processID }) };
  }

  describe('cut-after-commit', () => {
    const COMMITS: [string, readonly Step[], number][] = [
      ['a simple COMMIT', SIMPLE, 2],
      ['a prepared COMMIT', EXTENDED, 2],
      ['END', [...SIMPLE.slice(0, 2), (client) => client.query('end')], 2],
      [
        'COMMIT as the last of several statements',
        [
          (client) => client.query('BEGIN'),
          (client, id) => client.query(`INSERT INTO t VALUES (${id}); SELECT 1; COMMIT`),
        ],
        1,
      ],
      ['a transaction in one flush', [inOneFlush], 0],
      ['a chain', [...SIMPLE.slice(0, 2), (client) => client.query('COMMIT AND CHAIN')], 2],
    ];

    it.each(COMMITS)('carries out %s and keeps the answer back, 20 times', async (_what, steps, step) => {
      for (let count = 0; count < 20; count += 1) {
        expect(await underFault('cut-after-commit', {}, steps)).toEqual({
          failed: step,
          error: 'ECONNRESET',
          rows: 1,
        });
      }
    });

    it('lets what was answered before pass', async () => {
      await cluster.fault('cut-after-commit');
      const client = await connectClient(cluster);
      const answers: string[] = [];
      client.connection.on('commandComplete', ({ text }: { text: string }) => answers.push(text));
      expect(await codeOf(client.query('BEGIN; SELECT 1; SELECT 2; COMMIT; SELECT 3'))).toBe('ECONNRESET');
      expect(answers).toEqual(['BEGIN', 'SELECT 1', 'SELECT 1']);
    });

    it('does not mind what ends without a COMMIT', async () => {
      const fault = await cluster.fault('cut-after-commit');
      const client = await connectClient(cluster);
      await client.query('BEGIN');
      expect(await codeOf(client.query('SELECT 1 / 0'))).toBe('22012');
      expect((await client.query('COMMIT')).command).toBe('ROLLBACK');
      await client.query('INSERT INTO t VALUES (0)');
      await client.query("SELECT 'COMMIT'");
      expect((await cluster.status()).faults.map(({ id }) => id)).toEqual([fault.id]);
      expect(await codeOf(client.query('BEGIN; COMMIT'))).toBe('ECONNRESET');
    });

    it('is over after so many cuts, each on another connection', async () => {
      await cluster.fault('cut-after-commit', { times: 3 });
      const clients = await Promise.all(Array.from({ length: 5 }, () => connectClient(cluster)));
      const codes: (string | undefined)[] = [];
      for (const client of clients) codes.push(await codeOf(client.query('BEGIN; COMMIT')));
      expect(codes).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET', undefined, undefined]);
      expect((await cluster.status()).faults).toEqual([]);
      await Promise.all(clients.slice(3).map((client) => client.end()));
    });

    it.runIf(pooled)('works through a pooler', async () => {
      for (let count = 0; count < 5; count += 1) {
        const id = (lastId += 1);
        await cluster.fault('cut-after-commit', { endpoint: 'masterPooler' });
        const client = await connectClient(cluster, 'masterPooler');
        expect(await take(SIMPLE, client, id)).toEqual([2, 'ECONNRESET']);
        expect(await rowsOf(id)).toBe(1);
      }
    });

    it('says how many open connections cannot be read, and leaves them alone', async () => {
      const before = await connectClient(cluster);
      const others = (await cluster.status()).virtualIps.find(({ kind }) => kind === 'master')?.connections;
      const since = Date.now();
      await cluster.fault('cut-after-commit');
      await before.query('BEGIN; COMMIT');
      const { detail } = await events.next('fault:applied', { since });
      expect(detail).toBe(
        `cut-after-commit hits master (${others} open ${others === 1 ? 'connection' : 'connections'} cannot be read and will not be hit)`,
      );
      await before.end();
    });
  });

  describe('cut-at-message', () => {
    /**
     * How many messages a transaction has in one direction, and from which cut on its row is there: with
     * the n-th message delivered, and without.
     */
    const CASES: [
      string,
      'upstream' | 'downstream',
      readonly Step[],
      number,
      { with: number; without: number },
    ][] = [
      // Query, Query, Query, Terminate
      ['a simple transaction', 'upstream', SIMPLE, 4, { with: 3, without: 4 }],
      // CommandComplete and ReadyForQuery for each
      ['a simple transaction', 'downstream', SIMPLE, 6, { with: 5, without: 5 }],
      // Query, then Parse, Bind, Describe, Execute, Sync twice: the COMMIT is carried out with its Execute
      ['a prepared transaction', 'upstream', EXTENDED, 12, { with: 10, without: 11 }],
      // CommandComplete, ReadyForQuery; then ParseComplete, BindComplete, NoData and these two, twice
      ['a prepared transaction', 'downstream', EXTENDED, 12, { with: 8, without: 8 }],
      // Parse, Bind, Describe, Execute, Sync: without a transaction the Sync commits
      ['a statement by itself', 'upstream', AUTOCOMMIT, 6, { with: 5, without: 6 }],
      ['a statement by itself', 'downstream', AUTOCOMMIT, 5, { with: 1, without: 1 }],
    ];

    it.each(CASES)(
      'leaves of %s what was delivered, at each message %s',
      async (_what, direction, steps, last, present) => {
        const found: string[] = [];
        const expected: string[] = [];
        for (const delivered of [true, false]) {
          for (let message = 1; message <= last; message += 1) {
            const { rows } = await underFault('cut-at-message', { direction, message, delivered }, steps);
            found.push(`${delivered ? 'with' : 'without'} ${message}: ${rows}`);
            const from = delivered ? present.with : present.without;
            expected.push(`${delivered ? 'with' : 'without'} ${message}: ${message >= from ? 1 : 0}`);
          }
        }
        expect(found).toEqual(expected);
      },
    );

    it('lets the server carry out what was delivered to it, every time', async () => {
      for (let count = 0; count < 50; count += 1) {
        const { failed, rows } = await underFault('cut-at-message', { message: 3, delivered: true });
        expect({ count, failed, rows }).toEqual({ count, failed: 2, rows: 1 });
      }
    });

    it.runIf(pooled)('lets it do so behind a pooler as well', async () => {
      for (let count = 0; count < 20; count += 1) {
        const id = (lastId += 1);
        await cluster.fault('cut-at-message', { endpoint: 'masterPooler', message: 3, delivered: true });
        const client = await connectClient(cluster, 'masterPooler');
        expect(await take(SIMPLE, client, id)).toEqual([2, 'ECONNRESET']);
        await eventually(async () => (await rowsOf(id)) === 1, 5_000);
      }
    });

    it('delivers a large message whole', async () => {
      const id = (lastId += 1);
      await cluster.fault('cut-at-message', { message: 1, delivered: true });
      const client = await connectClient(cluster);
      const filler = `'${'x'.repeat(20_000_000)}'`;
      expect(
        await codeOf(client.query(`INSERT INTO t SELECT ${id} WHERE length(${filler}) = 20000000`)),
      ).toBe('ECONNRESET');
      expect(await rowsInTheEnd(id, { pid: client.processID })).toBe(1);
    });

    it('hands an answer over before the cut', async () => {
      for (let count = 0; count < 20; count += 1) {
        await cluster.fault('cut-at-message', { direction: 'downstream', message: 4, delivered: true });
        const client = await connectClient(cluster);
        // RowDescription, DataRow, CommandComplete, ReadyForQuery
        expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
        await client.lost;
      }
    });

    it('counts each connection by itself, and one that is open from the moment of the fault', async () => {
      const first = await cluster.fault('cut-at-message', { message: 3, times: 2 });
      const [one, other] = [await connectClient(cluster), await connectClient(cluster)];
      await one.query('SELECT 1');
      await other.query('SELECT 1');
      await one.query('SELECT 2');
      await first.undo();
      await cluster.fault('cut-at-message', { message: 2 });
      await one.query('SELECT 3');
      await other.query('SELECT 2');
      expect(await codeOf(one.query('SELECT 4'))).toBe('ECONNRESET');
      await other.query('SELECT 3');
      await other.end();
    });
  });

  describe("cut: 'silence'", () => {
    const state = async ({ processID }: Client) =>
      (await witness.query('SELECT state FROM pg_stat_activity WHERE pid = $1', [processID])).rows[0]?.state;

    it('lets nothing through any more, not even an end', async () => {
      const id = (lastId += 1);
      await cluster.fault('cut-at-message', { message: 3, cut: 'silence' });
      const client = await connectClient(cluster);
      let settled = false;
      const commit = take(SIMPLE, client, id).finally(() => (settled = true));
      await eventually(async () => (await cluster.status()).faults.length === 0);
      await eventually(async () => (await state(client)) === 'idle in transaction');
      // The server does not hear that the client has gone; only then a ghost is left, which others have to end.
      client.connection.stream.destroy();
      await commit;
      expect(settled).toBe(true);
      const connections = async () =>
        (await cluster.status()).virtualIps.find(({ kind }) => kind === 'master')?.connections ?? 0;
      const open = await connections();
      await queryOnce(cluster, 'SELECT 1');
      expect(await state(client)).toBe('idle in transaction');
      await witness.query('SELECT pg_terminate_backend($1)', [client.processID]);
      await eventually(async () => (await connections()) < open);
      expect(await rowsInTheEnd(id, { pid: client.processID })).toBe(0);
    });

    it('keeps the answer to a COMMIT back and the connection open', async () => {
      const id = (lastId += 1);
      await cluster.fault('cut-after-commit', { cut: 'silence' });
      const client = await connectClient(cluster);
      let settled = false;
      const commit = take(SIMPLE, client, id).finally(() => (settled = true));
      await eventually(async () => (await rowsOf(id)) === 1);
      // The server's end is not told either.
      await witness.query('SELECT pg_terminate_backend($1)', [client.processID]);
      await eventually(async () => (await state(client)) === undefined);
      await queryOnce(cluster, 'SELECT 1');
      expect(settled).toBe(false);
      await cluster.fault('reset_peer');
      expect(await commit).toEqual([2, 'ECONNRESET']);
    });
  });
});

describe('connections whose TLS the virtual IPs end', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ replicas: 0, poolers: pooled, terminateTls: true });
  });
  afterEach(() => cluster.undoAllFaults());
  afterAll(() => cluster.stop());

  const kinds: EndpointKind[] = pooled ? ['master', 'masterPooler'] : ['master'];

  it.each(kinds)('are verified as ever, binding of the channel included: %s', async (kind) => {
    const client = await connectClient(cluster, kind, { enableChannelBinding: kind === 'master' });
    const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    expect(rows).toEqual([{ ssl: true }]);
    await client.end();
  });

  it('are hit also where they were opened before the fault', async () => {
    const client = await connectClient(cluster);
    await client.query('SELECT 1');
    await cluster.fault('cut-after-commit');
    expect(await codeOf(client.query('BEGIN; COMMIT'))).toBe('ECONNRESET');
    expect((await cluster.history()).findLast(({ type }) => type === 'fault:applied')?.detail).not.toContain(
      'cannot be read',
    );
  });

  it('carry large values in both directions', async () => {
    const client = await connectClient(cluster);
    const value = 'äöü'.repeat(2_000_000);
    const { rows } = await client.query('SELECT $1::text AS value', [value]);
    expect((rows[0] as { value: string }).value === value).toBe(true);
    await client.end();
  });

  it('come to an end with their server, and not without it', async () => {
    const client = await connectClient(cluster);
    const [server] = cluster.servers;
    await queryOnce(cluster, `SELECT pg_terminate_backend(${client.processID})`, 'master', {
      ...server,
      ...cluster.superuser,
    });
    await client.lost;
    expect(await codeOf(client.query('SELECT 1'))).toMatch(/not queryable|terminated/);
  });

  it('can be cancelled', async () => {
    const client = await connectClient(cluster);
    const sleep = codeOf(client.query('SELECT pg_sleep(60)'));
    const request = Buffer.alloc(16);
    for (const [index, word] of [16, 80_877_102, client.processID, client.secretKey].entries()) {
      request.writeInt32BE(word, index * 4);
    }
    const active = `SELECT FROM pg_stat_activity WHERE pid = ${client.processID} AND state = 'active'`;
    await eventually(async () => (await queryOnce(cluster, active)).length === 1);
    const socket = connect(cluster.endpoints.master);
    socket.end(request).resume();
    await once(socket, 'close');
    expect(await sleep).toBe('57014');
    await client.end();
  });

  it('are refused in plain text, by the server itself', async () => {
    expect(await codeOf(connectClient(cluster, 'master', { ssl: false }))).toBe('28000');
  });
});
