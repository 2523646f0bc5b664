/** A process that works on the jobs of graphile-worker, over the drop-in, and tells its parent of each one that is done. */
import { Pool } from '@schooldb/client/pg';
import { Logger, run } from 'graphile-worker';
import type { PoolConfig } from 'pg';

const pool = new Pool(JSON.parse(process.env['POOL_CONFIG'] ?? '{}') as PoolConfig);
// It asks for these.
pool.on('error', () => {});
pool.on('connect', (client) => client.on('error', () => {}));

const runner = await run({
  pgPool: pool,
  concurrency: 2,
  pollInterval: 500,
  noHandleSignals: true,
  logger: new Logger(() => () => {}),
  taskList: {
    brief: async (payload) => {
      process.send?.((payload as { number: number }).number);
    },
  },
});

process.on('disconnect', () => void runner.stop().then(() => pool.end()));
await runner.promise;
