/** Makes a schedule that fails smaller, as long as it fails in the same way. */
import type { FaultPlan, OperationPlan, Schedule } from './schedule.ts';

/** @returns whether the schedule still fails in the way that matters. */
export type StillFails = (schedule: Schedule) => Promise<boolean>;

/**
 * Drops operations and faults, in large pieces first, then simplifies what is left. Deterministic.
 *
 * @param budget - how often `stillFails` may be asked, at most.
 */
export async function shrink(schedule: Schedule, stillFails: StillFails, budget = 400): Promise<Schedule> {
  let best = schedule;
  let left = budget;
  const attempt = async (candidate: Schedule): Promise<boolean> => {
    if (left <= 0) return false;
    left -= 1;
    if (!(await stillFails(candidate))) return false;
    best = candidate;
    return true;
  };
  let before: Schedule | undefined;
  while (before !== best) {
    before = best;
    await dropPieces(
      () => best.operations,
      (operations) => attempt({ ...best, operations }),
    );
    await dropPieces(
      () => best.faults,
      (faults) => attempt({ ...best, faults }),
    );
    if (best.closeAt !== null) await attempt({ ...best, closeAt: null });
    await simplifyOperations(() => best, attempt);
    await shortenFaults(() => best, attempt);
  }
  return best;
}

async function dropPieces<Piece>(
  current: () => readonly Piece[],
  attempt: (rest: readonly Piece[]) => Promise<boolean>,
): Promise<void> {
  for (let size = Math.ceil(current().length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < current().length;) {
      const rest = current().toSpliced(at, size);
      if (!(await attempt(rest))) at += size;
    }
  }
}

async function simplifyOperations(
  current: () => Schedule,
  attempt: (candidate: Schedule) => Promise<boolean>,
): Promise<void> {
  const replace = (index: number, operation: OperationPlan) =>
    attempt({ ...current(), operations: current().operations.with(index, operation) });
  for (let index = 0; index < current().operations.length; index += 1) {
    const operation = () => current().operations[index]!;
    if (operation().abortAfterMs !== undefined) {
      const { abortAfterMs: _abortAfterMs, ...rest } = operation();
      await replace(index, rest);
    }
    for (let step = (operation().steps?.length ?? 0) - 1; step >= 0; step -= 1) {
      await replace(index, { ...operation(), steps: operation().steps!.toSpliced(step, 1) });
    }
  }
}

async function shortenFaults(
  current: () => Schedule,
  attempt: (candidate: Schedule) => Promise<boolean>,
): Promise<void> {
  for (let index = 0; index < current().faults.length; index += 1) {
    const fault = (): FaultPlan => current().faults[index]!;
    while (fault().forMs > 100) {
      const shorter = { ...fault(), forMs: Math.round(fault().forMs / 2) };
      if (!(await attempt({ ...current(), faults: current().faults.with(index, shorter) }))) break;
    }
  }
}
