/** Job queues: every job is done, though the primary dies while they are worked on. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pool } from '@schooldb/client/pg';
import { useCluster } from '@schooldb/local-cluster/vitest';
import { Logger, makeWorkerUtils } from 'graphile-worker';
import { PgBoss } from 'pg-boss';
import { it } from 'vitest';
import { CLUSTER, configOf, until, upTo, workThrough } from './support/through-failover.ts';

const RUNNER = fileURLToPath(new URL('support/graphile-runner.ts', import.meta.url));

const cluster = useCluster(CLUSTER);

it('pg-boss: jobs that are sent and worked on', async () => {
  const pool = new Pool(configOf(cluster));
  const boss = new PgBoss({ db: { executeSql: (text, values) => pool.query(text, values as unknown[]) } });
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue('rundbrief');
  const done = new Set<number>();
  await boss.work<{ number: number }>('rundbrief', { pollingIntervalSeconds: 0.5 }, async (jobs) => {
    for (const { data } of jobs) done.add(data.number);
  });
  const last = await workThrough(cluster, (number) =>
    boss.send('rundbrief', { number }, { singletonKey: String(number) }),
  );
  await until('every job is done', () => upTo(last).every((number) => done.has(number)));
  await boss.stop({ graceful: false });
  await pool.end();
});

it('graphile-worker: jobs that are added, and worked on by a process that is started again when it dies', async () => {
  const config = configOf(cluster);
  const pool = new Pool(config);
  const utils = await makeWorkerUtils({ pgPool: pool, logger: new Logger(() => () => {}) });
  await utils.migrate();
  const done = new Set<number>();
  const ending = new AbortController();
  let running: ChildProcess | undefined;
  // A worker that can't tell the database of a job that is done ends its process: its supervisor starts another one.
  const keepRunning = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      running = fork(RUNNER, { env: { ...process.env, POOL_CONFIG: JSON.stringify(config) }, silent: true });
      running.on('message', (number: number) => done.add(number));
      await once(running, 'exit');
    }
  };
  const kept = keepRunning();
  const last = await workThrough(cluster, (number) =>
    utils.addJob('brief', { number }, { jobKey: String(number), maxAttempts: 25 }),
  );
  // What a worker had taken is its own for four hours, unless somebody knows that it is gone (its manual, "Recovery").
  const { rows } = await pool.query<{ worker: string }>(
    'SELECT DISTINCT locked_by AS worker FROM graphile_worker.jobs WHERE locked_by IS NOT NULL',
  );
  await utils.forceUnlockWorkers(rows.map(({ worker }) => worker));
  await until('every job is done', () => upTo(last).every((number) => done.has(number)));
  ending.abort();
  running?.disconnect();
  await kept;
  await utils.release();
  await pool.end();
});
