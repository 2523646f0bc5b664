import type { CheckResult } from './check.ts';
import { failed } from './check.ts';
import { reasonOf } from './database-clients.ts';
import { isBusy, withScratch } from './scratch.ts';
import type { SqlContext } from './sql-context.ts';
import { written } from './way-checks.ts';

/**
 * Whether an app can write, straight and through the pooler, which may cling to a server that was demoted. Nothing is
 * left behind.
 */
export async function checkWrites(context: Omit<SqlContext, 'report'>): Promise<CheckResult[]> {
  const { clients, patienceMs, signal } = context;
  try {
    return await withScratch(clients.direct, patienceMs, async (drop) => {
      try {
        const [straight, pooled] = [
          await written(context, clients.direct, 'master'),
          await written(context, clients.pooled, 'masterPooler'),
        ];
        return [
          { check: 'write', endpoint: 'master', result: straight },
          { check: 'write', endpoint: 'masterPooler', result: pooled },
        ];
      } finally {
        await drop();
      }
    });
  } catch (error) {
    signal.throwIfAborted();
    const fault = isBusy(error)
      ? ({ is: 'busy' } as const)
      : ({ is: 'sql', reason: reasonOf(error) } as const);
    return [{ check: 'write', endpoint: 'master', result: failed(fault) }];
  }
}
