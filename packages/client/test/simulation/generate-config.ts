/** What a schedule's cluster, network and client are like. */
import type { Dice } from './dice.ts';
import type { ScheduleConfig } from './schedule.ts';

export function makeConfig(dice: Dice): ScheduleConfig {
  const poolers = dice.chance(0.4);
  const latencyMost = dice.pick([0.5, 1, 3, 20]);
  return {
    cluster: {
      synchronous: dice.chance(0.7),
      standbys: dice.integer(1, 2),
      hasCommitSlots: dice.chance(0.95),
      // Poolers keep what they have: of a few they would leave nothing to anybody.
      maxBackends: !poolers && dice.chance(0.1) ? dice.integer(2, 6) : 100,
      ttlMs: dice.pick([1_000, 3_000, 10_000, 20_000]),
      restartMs: dice.pick([500, 2_000, 8_000, 15_000]),
      startMs: dice.pick([50, 300, 2_000]),
      labelMs: [dice.pick([10, 500, 5_000, 15_000]), dice.pick([10, 500, 5_000, 20_000])],
      demoteMs: dice.pick([100, 1_000, 8_000]),
      newTimelineInPlace: dice.chance(0.4),
    },
    replicaAddress: dice.chance(0.7),
    poolers,
    foreignWriteMs: dice.chance(0.2) ? dice.pick([10, 100, 1_000]) : null,
    latencyMs: [latencyMost / 5, latencyMost],
    deadServer: dice.pick(['refuse', 'silent', 'reset']),
    client: {
      maxConnections: dice.integer(3, 10),
      maxWaiting: dice.pick([0, 2, 10, 10_000, 10_000]),
      deadlineMs: dice.pick([1_000, 5_000, 20_000, 60_000]),
      idleTimeoutMs: dice.pick([1_000, 5_000, 30_000]),
      maxLifetimeMs: dice.pick([1_000, 10_000, 1_800_000]),
      connectSilenceMs: dice.pick([300, 1_000, 2_000]),
      closeTimeoutMs: dice.pick([0, 1_000, 10_000]),
      prefer: dice.pick(['direct', 'pooler']),
      consistency: dice.pick(['process', 'process', 'session', 'eventual']),
      maxStalenessMs: dice.chance(0.2) ? dice.pick([100, 500, 5_000]) : false,
      readOnlyWhenNoPrimary: dice.chance(0.3),
    },
  };
}
