/** What leases do in a schedule. */
import type { Dice } from './dice.ts';
import type { OperationKind, OperationPlan, ScheduleConfig, Step } from './schedule.ts';
import { hasRoomForSessions } from './schedule.ts';

const CHANNELS = ['a', 'b'] as const;

type Details = (dice: Dice, config: ScheduleConfig) => Partial<OperationPlan>;

const DETAILS: Partial<Record<OperationKind, Details>> = {
  notify: (dice) => ({ channel: dice.pick(CHANNELS) }),
  connection: (dice) => {
    const on = dice.chance(0.2) ? 'replica' : 'master';
    return { on, steps: on === 'master' ? makeSteps(dice) : makeReads(dice) };
  },
  lock: (dice) => ({
    lock: dice.integer(1, 2),
    wait: dice.pick([true, true, 500, false]),
    steps: dice.chance(0.7) ? makeSteps(dice) : [],
  }),
  copy: (dice) => ({
    rows: dice.integer(1, 3),
    ...(dice.chance(0.5) ? { restMs: dice.pick([1, 100, 2_000]) } : {}),
    ...(dice.chance(0.1) ? { breaks: true } : {}),
  }),
  stream: (dice) => ({
    batchSize: dice.pick([2, 10, 100]),
    restMs: dice.pick([0, 0, 20, 1_000]),
    ...(dice.chance(0.2) ? { rows: dice.integer(1, 5) } : {}),
  }),
  listen: (dice, config) => ({ channel: dice.pick(CHANNELS), ...listenMs(dice, config) }),
};

/** What the operation needs beyond its kind; nothing where it is no lease. */
export function leaseDetails(
  dice: Dice,
  kind: OperationKind,
  config: ScheduleConfig,
): Partial<OperationPlan> {
  return DETAILS[kind]?.(dice, config) ?? {};
}

function listenMs(dice: Dice, config: ScheduleConfig): Partial<OperationPlan> {
  if (hasRoomForSessions(config) && dice.chance(0.7)) return {};
  return { listenMs: dice.pick([1, 300, 3_000, 10_000]) };
}

/** Transactions by hand, some of which are forgotten, between statements of their own. */
function makeSteps(dice: Dice): Step[] {
  const steps: Step[] = [];
  if (dice.chance(0.15)) steps.push({ kind: 'set' });
  const parts = dice.integer(1, 3);
  for (let part = 0; part < parts; part += 1) {
    if (dice.chance(0.5)) {
      steps.push(...statements(dice));
      continue;
    }
    steps.push({ kind: 'begin' }, ...statements(dice));
    const end = dice.weighted({ commit: 6, rollback: 1, forget: 3 });
    // Forgotten: what follows would be in it.
    if (end === 'forget') break;
    steps.push({ kind: end });
  }
  return steps;
}

function statements(dice: Dice): Step[] {
  return Array.from({ length: dice.integer(1, 3) }, () => {
    const kind = dice.weighted({
      insert: 10,
      notify: 3,
      read: 3,
      wait: 5,
      fail: 0.5,
      'fail-caught': 0.5,
      throw: 0.5,
    });
    if (kind === 'notify') return { kind, channel: dice.pick(CHANNELS) };
    if (kind === 'wait') return { kind, ms: dice.pick([1, 50, 1_000, 4_000]) };
    return kind === 'fail' || kind === 'fail-caught' ? { kind, code: '22012' } : { kind };
  });
}

function makeReads(dice: Dice): Step[] {
  return Array.from({ length: dice.integer(1, 4) }, () =>
    dice.chance(0.7) ? { kind: 'read' } : { kind: 'wait', ms: dice.pick([1, 50, 2_000]) },
  );
}
