/** What is submitted to a client of pg, and speaks the protocol by itself. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Pool } from '@schooldb/client/pg';
import { useCluster } from '@schooldb/local-cluster/vitest';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import QueryStream from 'pg-query-stream';
import { expect, it } from 'vitest';
import { CLUSTER, configOf, workThrough } from './support/through-failover.ts';

const cluster = useCluster(CLUSTER);

const ROWS = 2_000;

it('pg-query-stream: whole results, or an error', async () => {
  const pool = new Pool(configOf(cluster));
  await workThrough(cluster, async () => {
    const client = await pool.connect();
    // A stream whose connection breaks between two reads never ends, with pg neither: its app must listen for that.
    const { promise: lost, reject: lose } = Promise.withResolvers<never>();
    lost.catch(() => {});
    client.once('error', lose);
    const add = async () => {
      const stream = client.query(
        new QueryStream('SELECT generate_series(1, $1) AS n', [ROWS], { batchSize: 100 }),
      );
      let sum = 0;
      for await (const { n } of stream as AsyncIterable<{ n: number }>) sum += n;
      return sum;
    };
    try {
      expect(await Promise.race([add(), lost])).toBe((ROWS * (ROWS + 1)) / 2);
      client.off('error', lose);
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  });
  await pool.end();
});

it('pg-copy-streams: in and out, all or nothing', async () => {
  const pool = new Pool(configOf(cluster));
  await pool.query('CREATE TABLE kopie (nummer integer, zeile integer)');
  const last = await workThrough(cluster, async (number) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('DELETE FROM kopie WHERE nummer = $1', [number]);
      const lines = Array.from({ length: 50 }, (_, line) => `${number}\t${line}\n`);
      await pipeline(Readable.from(lines), client.query(copyFrom('COPY kopie FROM STDIN')));
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  });
  const client = await pool.connect();
  let copied = '';
  for await (const piece of client.query(copyTo('COPY kopie TO STDOUT'))) copied += String(piece);
  client.release();
  expect(copied.trim().split('\n')).toHaveLength(50 * last);
  await pool.end();
});
