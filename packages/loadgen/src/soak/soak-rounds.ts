import type { FaultName, FaultOptions } from '@schooldb/local-cluster';
import { seededRandom } from '../measure/random.ts';
import type { Random } from '../measure/random.ts';
import type { EngineName } from '../options/engine.ts';
import type { ScheduledFault } from '../options/fault-schedule.ts';

/** One fault of a round; null leaves it to the cluster to heal. */
interface Turn {
  name: FaultName;
  options?: FaultOptions;
  forMs: number | null;
}

/** What a round consists of, on each engine. */
export const ROUNDS: Record<EngineName, readonly Turn[]> = {
  embedded: [
    { name: 'kill-primary', forMs: null },
    { name: 'freeze-primary', forMs: null },
    { name: 'switchover', forMs: null },
    { name: 'cut-replication', forMs: 3_000 },
    { name: 'crash-backend', forMs: 3_000 },
    { name: 'blackhole', forMs: 3_000 },
    { name: 'partition', forMs: 10_000 },
  ],
  patroni: [
    { name: 'kill-primary', forMs: null },
    { name: 'freeze-primary', forMs: null },
    { name: 'switchover', forMs: null },
    // Longer than the lease: the primary has to demote itself.
    { name: 'lose-etcd', forMs: 30_000 },
    { name: 'partition', forMs: 30_000 },
  ],
};

const LEAST_REST_MS = 2_000;
const MORE_REST_MS = 3_000;
/** Before a round repeats; enough for an hour of faults in an order of their own. */
const ROUNDS_DRAWN = 100;

/**
 * The faults of many rounds; `atMs` is the rest before each. The first round goes in the order of the list, so that a
 * short soak is sure to begin with a kill; the seed decides the order of the others, and every rest.
 */
export function soakRounds(engine: EngineName, seed: number): ScheduledFault[] {
  const random = seededRandom(seed);
  return Array.from({ length: ROUNDS_DRAWN }, (_, round) => {
    const turns = [...ROUNDS[engine]];
    if (round > 0) shuffle(turns, random);
    return turns.map(({ name, options = {}, forMs }) => ({
      name,
      options,
      atMs: Math.round(LEAST_REST_MS + random() * MORE_REST_MS),
      forMs,
    }));
  }).flat();
}

function shuffle(values: Turn[], random: Random): void {
  for (let last = values.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [values[last], values[other]] = [values[other]!, values[last]!];
  }
}
