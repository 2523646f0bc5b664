import { inspect } from 'node:util';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOf, startTestCluster } from '../support/with-cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 0, synchronous: false });
});

afterAll(() => cluster.stop());

describe('a single PostgreSQL', () => {
  it('is enough: reads and writes go to it', async () => {
    const db = clientOf(cluster);
    await db.write('CREATE TABLE alone (n integer)');
    expect((await db.read('SELECT count(*)::integer AS n FROM alone')).rows).toEqual([{ n: 0 }]);
    await db.close();
  });
});

describe('what the server refuses on connecting', () => {
  it.each([
    ['a wrong password', { password: 'falsch-4711' }, /refused user 'app'.*password authentication failed/],
    ['no password', { password: '' }, /refused user 'app'.*password must be/],
    ['an unknown database', { database: 'nirgends' }, /database "nirgends" does not exist/],
    ['a certificate nobody vouches for', { tls: true }, /certificate.*tls\.ca/],
    ['a certificate of another host', { tls: 'other' }, /tls\.serverName/],
  ] as const)('%s is told at once, and not tried for a minute', async (_what, changes, message) => {
    const options =
      'tls' in changes
        ? { tls: changes.tls === true || { ca: cluster.ca, serverName: 'db.example' } }
        : changes;
    const db = clientOf(cluster, options);
    const error: unknown = await db.query('SELECT 1').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'SCHOOLDB_CONNECTION_REJECTED', outcome: 'not-executed' });
    expect(String(error)).toMatch(message);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('falsch-4711');
    await db.close();
  });

  it('reads the password again when it was refused, so that a rotation is no outage', async () => {
    const passwords = ['the old one', cluster.password];
    const db = clientOf(cluster, { password: () => passwords.shift() ?? cluster.password });
    expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await db.close();
  });

  it('gives up at the deadline where nobody answers, and says what was refused', async () => {
    const db = clientOf(cluster, { endpoints: { master: '127.0.0.1:1' } });
    await expect(db.query('SELECT 1', [], { deadlineMs: 300 })).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
      outcome: 'not-executed',
      cause: { code: 'ECONNREFUSED' },
    });
    await db.close();
  });
});
