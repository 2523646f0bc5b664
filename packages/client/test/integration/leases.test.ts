/** What is lent, on real servers on which nothing goes wrong. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SchoolDb } from '../../src/index.ts';
import { clientOf, startTestCluster, until } from '../support/with-cluster.ts';

let cluster: Cluster;
let db: SchoolDb;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 1, terminateTls: true });
});

afterAll(() => cluster.stop());

beforeEach(() => {
  db = clientOf(cluster);
});

afterEach(async () => {
  await db.close();
  await until('no connection is left', async () => {
    const { virtualIps } = await cluster.status();
    return virtualIps.every(({ connections }) => connections === 0);
  });
});

/** The backend that serves the next statement. */
async function backend(): Promise<number> {
  const { rows } = await db.write<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]!.pid;
}

describe('withConnection', () => {
  it('lends a session of its own, whose state nobody else meets', async () => {
    const pid = await db.withConnection(async ({ query }) => {
      await query('CREATE TEMP TABLE mine (n integer)');
      await query("SET application_name = 'changed'");
      await query('INSERT INTO mine VALUES (1)');
      const { rows } = await query('SELECT n, pg_backend_pid() AS pid FROM mine');
      expect(rows).toMatchObject([{ n: 1 }]);
      return rows[0]!['pid'] as number;
    });
    expect(await backend()).not.toBe(pid);
    await expect(db.write('SELECT * FROM mine')).rejects.toMatchObject({ code: '42P01' });
  });

  it('gives an unchanged one back', async () => {
    await db.withConnection(async ({ query }) => {
      await query('BEGIN');
      await query('SELECT 1');
      await query('COMMIT');
      await expect(query('SELEC')).rejects.toMatchObject({ code: '42601' });
    });
    expect(db.health().endpoints.master.connections).toMatchObject({ open: 1, leased: 0 });
  });

  it('lends one of a standby', async () => {
    const standby = await db.withConnection('replica', async ({ query }) => {
      const { rows } = await query('SELECT pg_is_in_recovery() AS standby');
      return rows[0]!['standby'] as boolean;
    });
    expect(standby).toBe(true);
  });

  it('keeps within the budget of the endpoint, together with statements', async () => {
    const small = clientOf(cluster, { maxConnections: 5 });
    let most = 0;
    const sample = () => {
      const { open, opening } = small.health().endpoints.master.connections;
      most = Math.max(most, open + opening);
    };
    const work = Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0
        ? small.withConnection(async ({ query }) => query('SELECT pg_sleep(0.02)').then(sample))
        : small.write('SELECT pg_sleep(0.02)').then(sample),
    );
    await Promise.all(work);
    await small.close();
    expect(most).toBe(3);
  });
});

describe('stream', () => {
  it('reads more rows than it keeps, on one connection, which others use afterwards', async () => {
    let sum = 0;
    for await (const { n } of db.stream<{ n: number }>(
      'SELECT n FROM generate_series(1, $1::integer) AS n',
      [25_000],
      { batchSize: 1_000 },
    )) {
      sum += n;
    }
    expect(sum).toBe((25_000 * 25_001) / 2);
    expect(db.health().endpoints.replica?.connections).toMatchObject({ open: 1, leased: 0 });
  });

  it('takes rows no faster than its reader, and leaves the connection usable in the middle', async () => {
    await db.write('CREATE SEQUENCE IF NOT EXISTS fetched');
    const before = await backend();
    let taken = 0;
    for await (const _ of db.stream("SELECT nextval('fetched') FROM generate_series(1, 1000000)", [], {
      batchSize: 10,
    })) {
      taken += 1;
      if (taken === 15) break;
    }
    const { rows } = await db.write('SELECT last_value::integer AS n FROM fetched');
    expect(rows).toEqual([{ n: 20 }]);
    expect(await backend()).toBe(before);
  });

  it('frees the connection at once when it is aborted while the server works', async () => {
    const signal = AbortSignal.timeout(300);
    const reading = db.stream('SELECT pg_sleep(600)', [], { signal }).next();
    await expect(reading).rejects.toMatchObject({ code: 'SCHOOLDB_ABORTED' });
    expect(db.health().endpoints.master.connections.leased).toBe(0);
  });
});

describe('listen', () => {
  it('hears channels of any name over one connection', async () => {
    const heard: string[] = [];
    const hear = ({ channel, payload }: { channel: string; payload: string }) =>
      void heard.push(`${channel}=${payload}`);
    await db.listen('stundenplan_geaendert', hear);
    const odd = await db.listen('Ä "b"; --', hear);
    await db.write("SELECT pg_notify('stundenplan_geaendert', '10A')");
    await db.write(`NOTIFY "Ä ""b""; --", 'ü'`);
    await until('both are heard', () => heard.length === 2);
    expect(heard).toEqual(['stundenplan_geaendert=10A', 'Ä "b"; --=ü']);
    const { rows } = await db.write(
      `SELECT count(*)::integer AS n FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`,
    );
    expect(rows).toEqual([{ n: 1 }]);
    await odd.close();
    await db.write(`NOTIFY "Ä ""b""; --"`);
    await db.write('NOTIFY stundenplan_geaendert');
    await until('the other is still heard', () => heard.length === 3);
    expect(heard[2]).toBe('stundenplan_geaendert=');
  });
});

describe('withAdvisoryLock', () => {
  it('lets one in at a time, and the next when it has left', async () => {
    const other = clientOf(cluster);
    const order: string[] = [];
    const first = db.withAdvisoryLock('migration', async ({ query }) => {
      order.push('in');
      await query('SELECT 1');
      await delay(100);
      order.push('out');
    });
    await until('the first is in', () => order.length === 1);
    await expect(other.withAdvisoryLock('migration', async () => {}, { wait: false })).rejects.toMatchObject({
      code: 'SCHOOLDB_LOCK_BUSY',
      outcome: 'not-executed',
    });
    await Promise.all([first, other.withAdvisoryLock('migration', async () => order.push('in again'))]);
    await other.close();
    expect(order).toEqual(['in', 'out', 'in again']);
  });

  it('gives up waiting after the time it was given, and leaves nothing behind', async () => {
    const busy = db.withAdvisoryLock(7n, async () => db.withAdvisoryLock(7n, async () => {}, { wait: 100 }));
    await expect(busy).rejects.toMatchObject({ code: 'SCHOOLDB_LOCK_BUSY' });
    expect(await db.withAdvisoryLock(7n, async () => 'free', { wait: false })).toBe('free');
    const { rows } = await db.write('SHOW lock_timeout');
    expect(rows).toEqual([{ lock_timeout: '0' }]);
  });

  it('hashes a text as it is documented', async () => {
    const key = await db.withAdvisoryLock('grüße', async ({ query }) => {
      const { rows } = await query<{ key: string }>(
        `SELECT ((classid::bigint << 32) | objid::bigint)::text AS key FROM pg_locks
         WHERE locktype = 'advisory' AND pid = pg_backend_pid()`,
      );
      return rows[0]!.key;
    });
    const { rows } = await db.write<{ key: string }>(
      `SELECT ('x' || left(encode(sha256('grüße'::text::bytea), 'hex'), 16))::bit(64)::bigint::text AS key`,
    );
    expect(key).toBe(rows[0]!.key);
  });
});

describe('COPY', () => {
  beforeEach(() => db.write('CREATE TABLE IF NOT EXISTS copied (n integer PRIMARY KEY)'));
  afterEach(() => db.write('TRUNCATE copied'));

  const count = async () => (await db.write('SELECT count(*)::integer AS n FROM copied')).rows[0]?.['n'];

  function* lines(to: number): Generator<string> {
    for (let n = 1; n <= to; n += 1) yield `${n}\n`;
  }

  it('takes in what a stream gives, and gives it out again', async () => {
    expect(await db.copyFrom('COPY copied FROM STDIN', Readable.from(lines(30_000)))).toEqual({
      rowCount: 30_000,
    });
    expect(await count()).toBe(30_000);
    const sums: number[] = [];
    await pipeline(Readable.from(db.copyTo('COPY copied TO STDOUT')), async (pieces) => {
      let rest = '';
      for await (const piece of pieces as AsyncIterable<Buffer>) {
        const all = (rest + piece.toString()).split('\n');
        rest = all.pop()!;
        for (const line of all) sums.push(Number(line));
      }
    });
    expect(sums).toHaveLength(30_000);
    expect(db.health().endpoints.master.connections).toMatchObject({ leased: 0 });
  });

  it('leaves nothing where the source fails, or the server refuses a row', async () => {
    const broken = (function* () {
      yield* lines(1_000);
      throw new RangeError('the file is damaged');
    })();
    await expect(db.copyFrom('COPY copied FROM STDIN', broken)).rejects.toThrow(RangeError);
    const doubled = [...lines(1_000), '1\n'];
    await expect(db.copyFrom('COPY copied FROM STDIN', doubled)).rejects.toMatchObject({ code: '23505' });
    const nothing = [null] as unknown as string[];
    await expect(db.copyFrom('COPY copied FROM STDIN', nothing)).rejects.toThrow(/null/);
    expect(await count()).toBe(0);
    expect(db.health().endpoints.master.connections).toMatchObject({ open: 1, leased: 0 });
  });

  it('is told what became of a COMMIT whose answer was lost', async () => {
    const fault = await cluster.fault('cut-after-commit', { endpoint: 'master', times: 1 });
    expect(await db.copyFrom('COPY copied FROM STDIN', lines(500))).toEqual({ rowCount: 500 });
    await fault.undo();
    expect(await count()).toBe(500);
  });

  it('closes its source and the connection when it is given up', async () => {
    let closed = false;
    const endless = (async function* () {
      try {
        for (;;) {
          yield '1\n';
          await delay(5);
        }
      } finally {
        closed = true;
      }
    })();
    const copying = db.copyFrom('COPY copied FROM STDIN', endless, { deadlineMs: 300 });
    await expect(copying).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
      outcome: 'not-executed',
    });
    await until('the source is closed', () => closed);
    expect(await count()).toBe(0);
  });

  it('closes the connection where the reader leaves in the middle', async () => {
    for await (const _ of db.copyTo('COPY (SELECT * FROM generate_series(1, 1000000)) TO STDOUT')) break;
    expect(db.health().endpoints.master.connections.leased).toBe(0);
    await db.write('SELECT 1');
  });

  it('refuses what is no COPY in its direction', async () => {
    const refused = { code: 'SCHOOLDB_STATEMENT_REFUSED' };
    await expect(db.copyFrom('COPY copied TO STDOUT', [])).rejects.toMatchObject(refused);
    await expect(db.copyFrom('COPY copied FROM STDIN; DROP TABLE copied', [])).rejects.toMatchObject(refused);
    await expect(db.copyTo('SELECT 1').next()).rejects.toMatchObject(refused);
    await expect(db.write('COPY copied FROM STDIN')).rejects.toMatchObject(refused);
  });
});
