/** What is lent, when its server dies or freezes: everybody is told, and nobody is left waiting. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, FaultName } from '@schooldb/local-cluster';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NotificationGap, SchoolDb } from '../../src/index.ts';
import { clientOf, record, startTestCluster, until } from '../support/with-cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 2, promoteAfterMs: 500 });
});

afterAll(() => cluster.stop());

/** Sockets and timers that this process holds. */
function resources(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCPSocket|TLSWrap|Timeout/.test(name)).length;
}

/** How a promise ended, or `pending`. */
function follow(promise: Promise<unknown>): { state: string; error?: unknown } {
  const followed: { state: string; error?: unknown } = { state: 'pending' };
  promise.then(
    () => (followed.state = 'fulfilled'),
    (error: unknown) => Object.assign(followed, { state: 'rejected', error }),
  );
  return followed;
}

/** Everything that can be lent, in the middle of its work. */
async function startLeases(db: SchoolDb) {
  await db.write('CREATE TABLE IF NOT EXISTS copied (n integer)');
  const heard: string[] = [];
  const gaps: NotificationGap[] = [];
  await db.listen('news', ({ payload }) => void heard.push(payload), { onGap: (gap) => void gaps.push(gap) });

  const signals: Record<string, AbortSignal> = {};
  const held = (name: string) => async (connection: { signal: AbortSignal }) => {
    signals[name] = connection.signal;
    await new Promise((resolve) => connection.signal.addEventListener('abort', resolve));
  };
  const idle = follow(db.withConnection(held('idle')));
  const inTransaction = follow(
    db.withConnection(async (connection) => {
      await connection.query('BEGIN');
      await connection.query('SELECT 1');
      await held('transaction')(connection);
    }),
  );
  const lock = follow(db.withAdvisoryLock('leader', held('lock')));

  let rows = 0;
  const reading = (async () => {
    // It writes, by the rules of routing: on the primary.
    for await (const _ of db.stream(
      "SELECT n, set_config('a.b', n::text, true) FROM generate_series(1, 100000) AS n",
    )) {
      rows += 1;
      if (rows % 100 === 0) await delay(20);
    }
  })();
  const stream = follow(reading);
  async function* slowly(): AsyncGenerator<string> {
    for (let n = 1; n <= 100_000; n += 1) {
      yield `${n}\n`;
      await delay(20);
    }
  }
  const copy = follow(db.copyFrom('COPY copied FROM STDIN', slowly()));
  await until('all of it is under way', () => Object.keys(signals).length === 3 && rows > 100);
  return { heard, gaps, signals, idle, inTransaction, lock, stream, copy };
}

it.each<FaultName>(['kill-primary', 'freeze-primary', 'switchover'])(
  '%s: every lease is told that it is lost, and who listens hears of the gap and of what follows',
  async (fault) => {
    const before = resources();
    const db = clientOf(cluster, { closeTimeoutMs: 5_000 });
    const missed = record(db, 'notifications:missed');
    try {
      const leases = await startLeases(db);
      await cluster.fault(fault);
      await until('all leases are lost', () => Object.values(leases.signals).every(({ aborted }) => aborted));
      for (const { reason } of Object.values(leases.signals)) {
        expect(reason).toMatchObject({ code: 'SCHOOLDB_CONNECTION_LOST' });
      }
      await until('all are told', () =>
        [leases.lock, leases.stream, leases.copy].every(({ state }) => state === 'rejected'),
      );
      expect(leases.lock.error).toMatchObject({ code: 'SCHOOLDB_CONNECTION_LOST', outcome: 'unknown' });
      expect(leases.stream.error).toMatchObject({ code: 'SCHOOLDB_CONNECTION_LOST' });
      expect(leases.copy.error).toMatchObject({ code: 'SCHOOLDB_CONNECTION_LOST', outcome: 'not-executed' });
      await until('the gap is told', () => leases.gaps.length > 0);
      expect(missed[0]).toMatchObject({ channels: ['news'] });
      await db.write("SELECT pg_notify('news', 'after')");
      await until('what follows is heard', () => leases.heard.includes('after'));
      expect((await db.write('SELECT count(*)::integer AS n FROM copied')).rows).toEqual([{ n: 0 }]);
      // The lock went with its session, and is free on the new primary.
      expect(await db.withAdvisoryLock('leader', async () => 'mine')).toBe('mine');
      await until('both callbacks have ended', () =>
        [leases.idle, leases.inTransaction].every(({ state }) => state === 'fulfilled'),
      );
    } finally {
      await db.close();
      await cluster.undoAllFaults();
    }
    await until('its sockets and timers are gone', () => resources() <= before + 1);
    await until('the cluster is whole', async () => {
      const { servers, virtualIps } = await cluster.status();
      const isWhole = servers.every(({ state, role }) => state === 'running' && role !== 'unknown');
      return isWhole && virtualIps.every(({ connections }) => connections === 0);
    });
  },
);
