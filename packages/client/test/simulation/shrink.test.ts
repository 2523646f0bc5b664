import { expect, it } from 'vitest';
import { generate } from './generate.ts';
import type { Schedule } from './schedule.ts';
import { shrink } from './shrink.ts';

it('drops what a failure does not need, and keeps what it does', async () => {
  const schedule = fullSchedule();
  const wanted = schedule.operations[7]!.id;
  const small = await shrink(schedule, async ({ operations, faults }) => {
    return operations.some(({ id }) => id === wanted) && faults.length > 0;
  });
  expect(small.operations.map(({ id }) => id)).toEqual([wanted]);
  expect(small.faults).toHaveLength(1);
  expect(small.faults[0]!.forMs).toBeLessThanOrEqual(100);
  expect(small.closeAt).toBe(null);
});

it('gives back the schedule itself where everything is needed, within its budget', async () => {
  const schedule = fullSchedule();
  let asked = 0;
  const same = await shrink(
    schedule,
    async () => {
      asked += 1;
      return false;
    },
    30,
  );
  expect([same, asked]).toEqual([schedule, 30]);
});

function fullSchedule(): Schedule {
  for (let seed = 1; ; seed += 1) {
    const schedule = generate(seed);
    if (schedule.operations.length === 40 && schedule.faults.length > 2 && schedule.closeAt !== null)
      return schedule;
  }
}
