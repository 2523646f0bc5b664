import { PACE } from '../../src/kube/pace.ts';
import type { Pace } from '../../src/kube/pace.ts';

/** Quick to try again, and patient beyond any load. */
export const QUICK: Pace = {
  ...PACE,
  requestTimeoutMs: 30_000,
  databaseMs: 60_000,
  takeoverMs: 120_000,
  backoffBaseMs: 5,
  backoffCapMs: 20,
  pollMs: 20,
  failedMs: 0,
};
