/** Where the drop-in differs from pg on purpose: "Drop-in for pg" in docs/drop-in.md has a line for each. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import dropIn, * as exported from '@schooldb/client/pg';
import { Client, Pool } from '@schooldb/client/pg';
import pg from 'pg';
import Cursor from 'pg-cursor';
import { describe, expect, it } from 'vitest';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { silentServer, withPool, useServer } from '../support/drop-in.ts';
import { until } from '../support/with-cluster.ts';

const server = useServer();

const pidOf = (client: pg.Client) => (client as unknown as { processID: number }).processID;

describe('a connection that comes back', () => {
  it('is lent again after an SQL error', () =>
    withPool(dropIn, { ...server.config, max: 1 }, async (pool) => {
      const { rows } = await pool.query('SELECT pg_backend_pid() AS pid');
      await expect(pool.query('SELECT 1/0')).rejects.toMatchObject({ code: '22012' });
      expect((await pool.query('SELECT pg_backend_pid() AS pid')).rows).toEqual(rows);
    }));

  it.each([
    ['open', ['BEGIN']],
    ['failed', ['BEGIN', 'SELEC']],
  ])('is closed in an %s transaction', (_state, texts) =>
    withPool(dropIn, { ...server.config, max: 1, idleTimeoutMillis: 0 }, async (pool) => {
      const client = await pool.connect();
      for (const text of texts) await client.query(text).catch(() => {});
      client.release();
      await until('it is closed', () => pool.totalCount === 0);
      const { rows } = await pool.query('SELECT pg_backend_pid() AS pid');
      expect(rows).not.toEqual([{ pid: pidOf(client) }]);
    }),
  );

  it('is closed where pool.query() has left a transaction open', () =>
    withPool(dropIn, { ...server.config, max: 1 }, async (pool) => {
      const { rows } = await pool.query('SELECT pg_backend_pid() AS pid');
      await pool.query('BEGIN');
      expect((await pool.query('SELECT pg_backend_pid() AS pid')).rows).not.toEqual(rows);
    }));

  it('is lent when what nobody has waited for is answered', () =>
    withPool(dropIn, { ...server.config, max: 1 }, async (pool) => {
      const client = await pool.connect();
      await client.query('BEGIN');
      void client.query('COMMIT');
      client.release();
      expect((await pool.query('SELECT pg_backend_pid() AS pid')).rows).toEqual([{ pid: pidOf(client) }]);
    }));

  it('is closed where a cursor was left open', () =>
    withPool(dropIn, { ...server.config, max: 1 }, async (pool) => {
      const client = await pool.connect();
      const cursor = client.query(new Cursor('SELECT generate_series(1, 100) AS n'));
      await cursor.read(1);
      client.release();
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      expect((await pool.query('SELECT pg_backend_pid() AS pid')).rows).not.toEqual([{ pid: pidOf(client) }]);
    }));
});

describe('a connection that is lost under pool.query()', () => {
  it('costs a read nothing but time', async () => {
    const proxy = await startCuttingProxy(server.cluster.endpoints.master);
    try {
      await withPool(dropIn, { ...server.config, ...proxy.address, max: 1 }, async (pool) => {
        await pool.query('SELECT 1');
        const answer = pool.query('SELECT count(*)::int AS n FROM pg_catalog.pg_class WHERE relname = $1', [
          'nothing',
        ]);
        await new Promise(setImmediate);
        proxy.cutClients();
        expect((await answer).rows).toEqual([{ n: 0 }]);
      });
    } finally {
      proxy.close();
    }
  });

  it('makes the outcome of what has effects unknown, and sends it once', async () => {
    const proxy = await startCuttingProxy(server.cluster.endpoints.master);
    try {
      await withPool(dropIn, { ...server.config, ...proxy.address, max: 1 }, async (pool) => {
        await pool.query('CREATE TABLE sent (n integer)');
        const started = pool
          .query(`INSERT INTO sent SELECT 1 FROM pg_sleep(0.5)`)
          .catch((error: unknown) => error);
        await until('it runs', async () => (await activeLike('INSERT INTO sent')) === 1);
        proxy.cutClients();
        const error = await started;
        expect(error).toBeInstanceOf(Error);
        expect(error).toMatchObject({ code: 'ECONNRESET', outcome: 'unknown' });
        await until('it is over at the server', async () => (await activeLike('INSERT INTO sent')) === 0);
        expect((await pool.query('SELECT count(*)::int AS n FROM sent')).rows).toEqual([{ n: 1 }]);
      });
    } finally {
      proxy.close();
    }
  });

  it("is told with pg's own words to who has checked the client out", async () => {
    const proxy = await startCuttingProxy(server.cluster.endpoints.master);
    try {
      await withPool(dropIn, { ...server.config, ...proxy.address, max: 1 }, async (pool) => {
        const client = await pool.connect();
        const answer = client.query('SELECT pg_sleep(60)').catch((error: unknown) => error);
        await until('it runs', async () => (await activeLike('SELECT pg_sleep(60)')) === 1);
        proxy.cutClients();
        const error = await answer;
        expect(error).toMatchObject({ code: 'ECONNRESET' });
        expect(error).not.toHaveProperty('outcome');
        client.release();
        expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      });
    } finally {
      proxy.close();
    }
  });
});

describe('a server that is not there', () => {
  it('is waited for, by whoever asks', async () => {
    const door = await closedDoor();
    await withPool(dropIn, { ...server.config, ...door.address, max: 2 }, async (pool) => {
      const answers = Promise.all([
        pool.query('SELECT 1 AS n'),
        pool.query('CREATE TABLE IF NOT EXISTS came (n integer)'),
        pool.query('SELECT 3 AS n'),
      ]);
      const client = new Client({ ...server.config, ...door.address });
      const connected = client.connect();
      await until('somebody has knocked', () => door.refused() > 3);
      door.open(server.cluster.endpoints.master.port);
      expect((await answers).map(({ rows }) => rows)).toEqual([[{ n: 1 }], [], [{ n: 3 }]]);
      await connected;
      await client.end();
    });
    await door.close();
  });

  it('is waited for as long as connectionTimeoutMillis says, and no longer by those in line', () => {
    const nowhere = { host: '127.0.0.1', port: 1, max: 1, connectionTimeoutMillis: 500 };
    return withPool(dropIn, { ...server.config, ...nowhere }, async (pool) => {
      const errors = await Promise.all(
        [1, 2, 3].map(() => pool.query('SELECT 1').catch((error: Error) => error)),
      );
      expect(errors.map((error) => (error as Error).message)).toEqual([
        'Connection terminated due to connection timeout',
        'timeout exceeded when trying to connect',
        'timeout exceeded when trying to connect',
      ]);
      expect(errors[0]).toMatchObject({ cause: { message: 'Connection terminated' } });
      const client = new Client({ ...server.config, ...nowhere });
      await expect(client.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });
  });

  it('does not hold up the end of a pool, and those in line are told', async () => {
    const door = await closedDoor();
    const pool = new Pool({ ...server.config, ...door.address, max: 1 });
    const connecting = pool.connect().catch((error: Error) => error.message);
    const inLine = pool.query('SELECT 1').catch((error: Error) => error.message);
    await until('it is known to be down', () => door.refused() > 1);
    await pool.end();
    await door.close();
    expect(await connecting).toBe('Connection terminated');
    expect(await inLine).toBe('Cannot use a pool after calling end on the pool');
  });

  it('does not hold up the end of a client', async () => {
    const client = new Client({ ...server.config, host: '127.0.0.1', port: 1 });
    const connecting = client.connect().catch((error: Error) => error.message);
    await client.end();
    expect(await connecting).toBe('Connection terminated');
  });

  it('is not waited for where the app brings its own socket', async () => {
    const silent = await silentServer();
    const to = { host: '127.0.0.1', port: silent.port };
    const client = new Client({
      ...server.config,
      ...to,
      stream: () => new Socket(),
      connectionTimeoutMillis: 200,
    });
    await expect(client.connect()).rejects.toThrow('timeout expired');
    await silent.close();
  });
});

describe("an 'error' that nobody listens to", () => {
  it.each([
    ['of an idle client', 'await pool.query("SELECT 1")'],
    ['of a client that is lent', 'await pool.connect()'],
    ['of a client of its own', 'const own = new Client(config); await own.connect()'],
  ])('%s does not end the process', (_whose, line) => {
    const code = `
      import { Client, Pool } from ${JSON.stringify(new URL('../../src/pg/index.ts', import.meta.url).href)};
      const config = JSON.parse(process.env.CONFIG);
      const pool = new Pool({ ...config, application_name: 'to be ended', idleTimeoutMillis: 0 });
      ${line.replace('(config)', "({ ...config, application_name: 'to be ended' })")};
      const admin = new Pool({ ...config, max: 1 });
      await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be ended'");
      for (;;) {
        const { rows } = await admin.query("SELECT FROM pg_stat_activity WHERE application_name = 'to be ended'");
        if (rows.length === 0) break;
      }
      console.log((await pool.query('SELECT 1 AS n')).rows);
      process.exit();`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, CONFIG: JSON.stringify(server.config) },
    });
    expect([status, stdout, stderr]).toEqual([0, '[ { n: 1 } ]\n', '']);
  });
});

describe('the module', () => {
  it('exports what pg exports', async () => {
    const names = Object.keys(await import('pg'));
    expect(Object.keys(exported)).toEqual(
      expect.arrayContaining(names.filter((name) => name !== 'module.exports')),
    );
    expect(Object.keys(dropIn)).toEqual(expect.arrayContaining(Object.keys(pg)));
    for (const name of ['DatabaseError', 'Query', 'Result', 'types', 'defaults', 'Connection'] as const) {
      expect(dropIn[name]).toBe(pg[name]);
    }
    expect(exported.DatabaseError).toBe(pg.DatabaseError);
    expect([dropIn.Pool, dropIn.Client, dropIn.native]).toEqual([Pool, Client, null]);
  });

  it('is what require() returns as well', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--input-type=commonjs',
        '-e',
        `
        const pg = require(${JSON.stringify(createRequire(import.meta.url).resolve('../../src/pg/index.ts'))});
        const { Pool, Client, types, default: nothing } = pg;
        console.log([typeof Pool, typeof Client, typeof types.setTypeParser, pg.native, typeof nothing].join());`,
      ],
      { encoding: 'utf8', timeout: 60_000 },
    );
    expect([status, stdout, stderr]).toEqual([0, 'function,function,function,,undefined\n', '']);
  });

  it("has pg's own types", () => {
    const asPool: typeof pg.Pool = Pool;
    const asClient: typeof pg.Client = Client;
    const asModule: typeof pg = dropIn;
    class Own extends Pool {
      readonly mine = 1;
    }
    const typed = async (pool: Pool, own: Own): Promise<number> => {
      const result: exported.QueryResult<{ n: number }> = await pool.query<{ n: number }>('SELECT 1 AS n');
      const client: exported.PoolClient = await own.connect();
      client.release();
      return result.rows[0]!.n;
    };
    expect([asPool, asClient, asModule, typeof typed]).toEqual([Pool, Client, dropIn, 'function']);
  });
});

async function activeLike(text: string): Promise<number> {
  const admin = new pg.Client(server.config);
  await admin.connect();
  const { rows } = await admin.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()`,
    [`${text}%`],
  );
  await admin.end();
  return rows[0].n;
}

/** An address that closes every connection at once until it is opened. */
async function closedDoor() {
  let refused = 0;
  let port: number | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    if (port === undefined) {
      refused += 1;
      client.destroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    refused: () => refused,
    open(to: number) {
      port = to;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
