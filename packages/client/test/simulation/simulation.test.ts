/** Ten thousand schedules, the same each time, and some that nobody has seen. */
import { describe, expect, it } from 'vitest';
import { generate } from './generate.ts';
import { OUTCOMES } from './outcomes.ts';
import { COMMIT_STRIKES, FAULT_KINDS, LEASE_KINDS } from './schedule.ts';
import type { Simulated } from './simulator.ts';
import { explain, replay, simulate } from './simulator.ts';
import { violationText } from './report.ts';

const SEED = 1_000_000;
const SCHEDULES = 10_000;
const UNSEEN = 200;
const WORKERS = 2;
/** On a busy machine with two cores. */
const LIMIT_MS = 600_000;

async function nothingIsViolated({ failed }: Simulated): Promise<void> {
  if (failed === undefined) return;
  const { schedule, violations, history } = await explain(failed);
  const text = violationText(failed.seed, violations[0] ?? failed.violation, schedule, history);
  expect.fail(`${text}\n\npnpm simulate --replay ${failed.seed}`);
}

describe('the client, simulated', () => {
  it(
    `keeps its invariants in ${SCHEDULES} schedules, in which everything worth trying occurs`,
    async () => {
      const simulated = await simulate({ schedules: SCHEDULES, seed: SEED, workers: WORKERS });
      await nothingIsViolated(simulated);
      const { counts } = simulated.tally;
      const expected = [
        ...FAULT_KINDS,
        ...OUTCOMES.map((outcome) => `outcome ${outcome}`),
        ...COMMIT_STRIKES.flatMap((strike) => [
          `${strike}-at-commit-inserted`,
          `${strike}-at-commit-answered`,
        ]),
        'failover',
        'in-place-promotion',
        'settled-yes',
        'settled-no',
        'unconfirmed-commit',
        'unflushed-wal-lost',
        'diverged-wal-discarded',
        'old-primary-demoted',
        'too-many-clients',
        'ghost-ended',
        'deadlock',
        'scan on master',
        'scan on replica',
        'scan on replicaPooler',
        'stream on master',
        'stream on replica',
        'stream read to its end',
        'lock held',
        'lock lost',
        'lock-timeout',
        'notification heard',
        'notification gap',
        ...LEASE_KINDS.flatMap((kind) => [`${kind} ok`, `${kind} not-executed`]),
        'connection unknown',
        'lock unknown',
      ];
      expect(expected.filter((name) => (counts[name] ?? 0) === 0)).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'keeps them in schedules that nobody has seen',
    async () => {
      const seed = Math.floor(Math.random() * 1e9);
      console.log(`schedules from seed ${seed}: pnpm simulate --seed ${seed} --schedules ${UNSEEN}`);
      await nothingIsViolated(await simulate({ schedules: UNSEEN, seed, workers: WORKERS }));
    },
    LIMIT_MS,
  );

  it('does exactly the same for the same seed', async () => {
    for (let seed = SEED; seed < SEED + 10; seed += 1) {
      const [one, other] = await Promise.all([replay(generate(seed)), replay(generate(seed))]);
      expect(one.history.length).toBeGreaterThan(10);
      expect(JSON.stringify(one)).toBe(JSON.stringify(other));
    }
  });
});
