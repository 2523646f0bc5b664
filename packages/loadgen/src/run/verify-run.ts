import type { Bed } from '../bed/bed.ts';
import { leadsToFailover } from '../options/fault-schedule.ts';
import { check } from '../verify/checker.ts';
import type { CheckResult } from '../verify/checker.ts';
import { awaitPrimary, awaitSilence, readStored, readWrites } from '../verify/read-back.ts';
import { judge, notReadBack } from '../verify/verdict.ts';
import type { Evidence } from '../verify/verdict.ts';
import type { RunListener } from './listener.ts';
import type { RunOptions } from '../options/run-options.ts';
import type { Observed } from './observed.ts';
import type { Verification } from './run-report.ts';
import { timelineOf } from './tables.ts';
import type { Prepared } from './tables.ts';

/** Longer than any promotion takes once its delay is over. */
const PRIMARY_LIMIT_MS = 60_000;

export interface Verified {
  /** Promotions during the run; null when no primary answered any more. */
  failovers: number | null;
  verification: Verification | null;
}

/** Waits for the one primary, counts its promotions and, for a ledger, judges every write. */
export async function verifyRun(
  bed: Bed,
  options: RunOptions,
  prepared: Prepared,
  history: number,
  observed: Observed,
  listener: RunListener,
): Promise<Verified> {
  const wanted = options.verify && options.workload === 'ledger';
  if (!wanted) return { failovers: null, verification: null };
  listener.stage('waiting for one primary');
  try {
    const limitMs = options.promoteAfterMs + PRIMARY_LIMIT_MS;
    const connection = await awaitPrimary(bed, limitMs);
    try {
      listener.stage('reading back');
      await awaitSilence(connection);
      const failovers = (await timelineOf(connection)) - prepared.timeline;
      const result = check(await readWrites(history), await readStored(connection, prepared.ledger));
      return {
        failovers,
        verification: { ...judge(evidence(options, observed, result, failovers)), check: result },
      };
    } finally {
      connection.destroy();
    }
  } catch (error) {
    return { failovers: null, verification: { ...notReadBack((error as Error).message), check: null } };
  }
}

function evidence(
  options: RunOptions,
  { faults }: Observed,
  result: CheckResult,
  failoversSeen: number,
): Evidence {
  const happened = faults.filter((fault) => fault.requestedAt !== null && fault.error === null);
  const missed = faults.filter(({ requestedAt }) => requestedAt === null);
  return {
    check: result,
    failoversExpected: happened.filter((fault) => leadsToFailover(fault, options.promoteAfterMs)).length,
    failoversSeen,
    // One after another, each waits for the cluster: those that the load had no time left for were not promised.
    faultsNotApplied: options.pace === 'on-time' || happened.length === 0 ? missed.length : 0,
    faultErrors: faults.flatMap(({ name, error }) => (error === null ? [] : [`${name}: ${error}`])),
  };
}
