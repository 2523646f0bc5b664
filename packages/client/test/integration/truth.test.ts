/**
 * Callers with short deadlines and aborts, while servers die: whatever they are told must be what the database
 * holds. Deadlines fall at every moment of an operation, which no script of faults could arrange.
 */
import type { Cluster, FaultName } from '@schooldb/local-cluster';
import { afterEach, expect, it } from 'vitest';
import type { SchoolDb } from '../../src/index.ts';
import { SchoolDbError } from '../../src/index.ts';
import { clientOf, startTestCluster, until, untilWhole } from '../support/with-cluster.ts';

const CALLERS = 40;
const FAULTS: readonly FaultName[] = [
  'kill-primary',
  'reset_peer',
  'freeze-primary',
  'switchover',
  'kill-primary',
];
const INSERT = 'INSERT INTO told SELECT $1, $2 FROM pg_sleep($3)';

type Write = (db: SchoolDb, values: readonly unknown[], deadlineMs: number) => Promise<unknown>;

const WRITES: readonly (readonly [kind: string, write: Write])[] = [
  ['plain', (db, values, deadlineMs) => db.write(INSERT, values, { deadlineMs })],
  ['exactly once', (db, values, deadlineMs) => db.write(INSERT, values, { deadlineMs, exactlyOnce: true })],
  [
    'returning',
    (db, values, deadlineMs) => db.write(`${INSERT} RETURNING id`, values, { deadlineMs, exactlyOnce: true }),
  ],
  [
    'transaction',
    (db, values, deadlineMs) => db.transaction((tx) => tx.query(INSERT, values), { deadlineMs }),
  ],
  [
    'slow transaction',
    (db, values, deadlineMs) =>
      db.transaction(
        async (tx) => {
          await tx.query(INSERT, values);
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
        },
        { deadlineMs },
      ),
  ],
  [
    'aborted',
    (db, values) => {
      const signal = AbortSignal.timeout(1 + Math.floor(Math.random() * 200));
      return db.write(INSERT, values, { exactlyOnce: true, signal });
    },
  ],
];

function kindOf(id: number): readonly [kind: string, write: Write] {
  const kind = WRITES[id % WRITES.length];
  if (kind === undefined) throw new Error('there are no kinds');
  return kind;
}

let cluster: Cluster;

afterEach(() => cluster.stop());

it.each([
  ['synchronous', true],
  ['asynchronous', false],
])('what callers are told is true, on a cluster with %s replication', async (_kind, synchronous) => {
  cluster = await startTestCluster({ replicas: 2, promoteAfterMs: 300, synchronous });
  const db = clientOf(cluster, { maxConnections: 10 });
  await db.write('CREATE TABLE told (id integer, kind text)');
  const told = new Map<number, 'done' | 'not-executed' | 'unknown'>();
  const ending = new AbortController();
  const foreign: unknown[] = [];
  let ids = 0;
  const call = async () => {
    while (!ending.signal.aborted) {
      const id = (ids += 1);
      const [kind, write] = kindOf(id);
      const deadlineMs = Math.random() < 0.5 ? 1 + Math.floor(Math.random() * 150) : 30_000;
      try {
        await write(db, [id, kind, Math.random() * 0.02], deadlineMs);
        told.set(id, 'done');
      } catch (error) {
        if (error instanceof SchoolDbError) told.set(id, error.outcome);
        else foreign.push(error);
      }
    }
  };
  const callers = Array.from({ length: CALLERS }, call);
  for (const name of FAULTS) {
    const before = told.size;
    await until('the callers work', () => told.size > before + 500);
    const fault = await cluster.fault(name);
    const during = [...told.values()].filter((each) => each === 'done').length;
    if (name === 'reset_peer') await fault.undo();
    await until(
      'writing goes on',
      () => [...told.values()].filter((each) => each === 'done').length > during + 200,
    );
    if (name === 'freeze-primary') await fault.undo();
    await untilWhole(cluster);
  }
  ending.abort();
  await Promise.all(callers);

  const { rows } = await db.query<{ id: number; n: number }>(
    'SELECT id, count(*)::integer AS n FROM told GROUP BY id',
  );
  const there = new Map(rows.map(({ id, n }) => [id, n]));
  const untrue = [...told].filter(([id, outcome]) => {
    const n = there.get(id) ?? 0;
    // Without a synchronous standby the cluster itself may lose what it has acknowledged.
    const lost = synchronous && outcome === 'done' && n === 0;
    return n > 1 || lost || (outcome === 'not-executed' && n > 0);
  });
  expect(
    untrue.map(([id, outcome]) => `${kindOf(id)[0]} ${id}: ${outcome}, ${there.get(id) ?? 0} there`),
  ).toEqual([]);
  expect(foreign).toEqual([]);
  // Each kind of answer has occurred, or this has shown nothing.
  expect(new Set(told.values())).toEqual(new Set(['done', 'not-executed', 'unknown']));
  const { master } = db.health().endpoints;
  expect([master.connections.leased, master.waiting]).toEqual([0, 0]);
  await db.close();
});
