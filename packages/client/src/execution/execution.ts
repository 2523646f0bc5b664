import type { Endpoints } from '../endpoint/endpoints.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ClientEvents } from '../endpoint/client-events.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Events } from '../runtime/events.ts';
import type { Random } from '../runtime/random.ts';
import type { RetryBudget } from '../policy/budget.ts';
import type { Laggards } from '../policy/laggards.ts';
import type { Breakers } from './breaker.ts';
import type { CommitSlots } from './commit-slots.ts';

/** What every operation of one client works with. */
export interface Execution {
  readonly endpoints: Endpoints;
  readonly events: Events<ClientEvents>;
  readonly slots: CommitSlots;
  readonly breakers: Breakers;
  readonly budget: RetryBudget;
  /** Replicas that were found to be behind. */
  readonly laggards: Laggards;
  /** The database's name. */
  readonly database: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Resolves after the time, or when the deadline is over. */
export function pause(ms: number, clock: Clock, deadline: Deadline): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.schedule(ms, () => {
      stopWaiting();
      resolve();
    });
    const stopWaiting = deadline.onOver(() => {
      timer.cancel();
      resolve();
    });
  });
}
