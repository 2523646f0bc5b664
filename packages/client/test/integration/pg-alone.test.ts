/** What the wire makes of pg-cursor and pg-copy-streams, on a real server. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPgWire } from '../../src/wire/pg-wire.ts';
import type { Wire } from '../../src/wire/wire.ts';
import { startTestCluster, until } from '../support/with-cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 0, synchronous: false });
});

afterAll(() => cluster.stop());

async function withWire(use: (wire: Wire) => Promise<void>): Promise<void> {
  const { database, user, password, ca, endpoints } = cluster;
  const target = { ...endpoints.master, database, user, password, tls: { ca }, applicationName: 'alone' };
  const wire = await openPgWire(target).ready;
  try {
    await use(wire);
  } finally {
    await wire.end();
  }
}

/** The connection works as before. */
async function expectUsable(wire: Wire): Promise<void> {
  expect([wire.transactionStatus, wire.unanswered]).toEqual(['idle', 0]);
  const answers = await wire.flush([{ text: 'SELECT 1 AS n' }, { text: 'SELECT 2 AS n' }]);
  expect(answers.map((each) => each.status === 'fulfilled' && each.value.rows[0].n)).toEqual([1, 2]);
}

const NUMBERS = { text: 'SELECT n FROM generate_series(1, $1::integer) AS n', values: [10] };

describe('a cursor', () => {
  it('gives the rows in portions, and leaves the connection as it was', () =>
    withWire(async (wire) => {
      const cursor = wire.cursor(NUMBERS);
      expect(await cursor.read(6)).toHaveLength(6);
      expect(wire.transactionStatus).toBe('open');
      expect(await cursor.read(6)).toEqual([{ n: 7 }, { n: 8 }, { n: 9 }, { n: 10 }]);
      await cursor.close();
      await expectUsable(wire);
    }));

  it('ends with an empty portion where the last one was full', () =>
    withWire(async (wire) => {
      const cursor = wire.cursor(NUMBERS);
      expect(await cursor.read(10)).toHaveLength(10);
      expect(await cursor.read(10)).toEqual([]);
      await expectUsable(wire);
    }));

  it('is closed in the middle, and before its first row', () =>
    withWire(async (wire) => {
      const cursor = wire.cursor(NUMBERS);
      await cursor.close();
      await cursor.read(2);
      await cursor.close();
      await cursor.close();
      await expectUsable(wire);
    }));

  it('passes on errors at its opening and in the middle', () =>
    withWire(async (wire) => {
      await expect(wire.cursor({ text: 'SELEC' }).read(1)).rejects.toMatchObject({ code: '42601' });
      await expectUsable(wire);
      const cursor = wire.cursor({ text: 'SELECT 1 / (3 - n) FROM generate_series(1, 9) AS n' });
      expect(await cursor.read(2)).toHaveLength(2);
      await expect(cursor.read(2)).rejects.toMatchObject({ code: '22012' });
      await cursor.close();
      await expectUsable(wire);
    }));

  it('is rejected when the connection is destroyed under it', () =>
    withWire(async (wire) => {
      const cursor = wire.cursor({ text: 'SELECT pg_sleep(60)' });
      const waiting = cursor.read(1);
      await until('the statement is on its way', () => wire.unanswered === 1);
      wire.destroy(new Error('enough'));
      await expect(waiting).rejects.toMatchObject({ sent: true, cause: { message: 'enough' } });
      await expect(cursor.close()).rejects.toMatchObject({ sent: false });
    }));
});

describe('COPY', () => {
  it('takes rows in and hands them out', () =>
    withWire(async (wire) => {
      await wire.query({ text: 'CREATE TEMP TABLE copied (n integer)' });
      const { stream, rowCount } = wire.copyIn('COPY copied FROM STDIN');
      await pipeline(Readable.from(Array.from({ length: 20_000 }, (_, n) => `${n}\n`)), stream);
      expect(await rowCount).toBe(20_000);
      await expectUsable(wire);
      const out = wire.copyOut('COPY copied TO STDOUT');
      let bytes = 0;
      for await (const chunk of out.stream) bytes += (chunk as Buffer).length;
      expect([await out.rowCount, bytes]).toEqual([20_000, 108_890]);
      await expectUsable(wire);
    }));

  it('passes on what the server refuses, before and in the middle', () =>
    withWire(async (wire) => {
      const refused = wire.copyIn('COPY nowhere FROM STDIN');
      await expect(refused.rowCount).rejects.toMatchObject({ code: '42P01' });
      await expectUsable(wire);
      await wire.query({ text: 'CREATE TEMP TABLE numbers (n integer)' });
      const wrong = wire.copyIn('COPY numbers FROM STDIN');
      wrong.stream.end('1\nno number\n');
      await expect(wrong.rowCount).rejects.toMatchObject({ code: '22P02' });
      await expectUsable(wire);
      const out = wire.copyOut('COPY (SELECT 1 / (3 - n) FROM generate_series(1, 9) AS n) TO STDOUT');
      out.stream.resume();
      await expect(out.rowCount).rejects.toMatchObject({ code: '22012' });
      await expectUsable(wire);
    }));

  it('is rolled back when its source fails', () =>
    withWire(async (wire) => {
      await wire.query({ text: 'CREATE TEMP TABLE given_up (n integer)' });
      const { stream, rowCount } = wire.copyIn('COPY given_up FROM STDIN');
      stream.write('1\n');
      stream.destroy(new Error('no more'));
      await expect(rowCount).rejects.toMatchObject({ code: '57014' });
      await expectUsable(wire);
      const { rows } = await wire.query({ text: 'SELECT count(*)::integer AS n FROM given_up' });
      expect(rows).toEqual([{ n: 0 }]);
    }));

  it('is rejected when the connection is destroyed under it', () =>
    withWire(async (wire) => {
      const { stream, rowCount } = wire.copyOut(
        'COPY (SELECT * FROM generate_series(1, 10000000)) TO STDOUT',
      );
      stream.once('data', () => wire.destroy(new Error('enough')));
      await expect(rowCount).rejects.toMatchObject({ sent: true, cause: { message: 'enough' } });
    }));

  it('ends a connection where it comes as an ordinary statement', () =>
    withWire(async (wire) => {
      await wire.query({ text: 'CREATE TEMP TABLE plain (n integer)' });
      await expect(wire.query({ text: 'COPY plain FROM STDIN' })).rejects.toThrow(/ordinary statement/);
    }));
});

it('hears what is sent on a channel', () =>
  withWire(async (wire) => {
    const heard: unknown[] = [];
    wire.onNotification((notification) => heard.push(notification));
    await wire.query({ text: 'LISTEN "Ä b"' });
    await wire.query({ text: `NOTIFY "Ä b", 'hello'` });
    await wire.query({ text: `NOTIFY "Ä b"` });
    const { processId } = wire;
    expect(heard).toEqual([
      { channel: 'Ä b', payload: 'hello', processId },
      { channel: 'Ä b', payload: '', processId },
    ]);
  }));

it('answers an empty text, which takes no snapshot, within a transaction too', () =>
  withWire(async (wire) => {
    await wire.script('BEGIN');
    await wire.query({ text: '' });
    await wire.query({ text: 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE' });
    expect(wire.transactionStatus).toBe('open');
  }));
