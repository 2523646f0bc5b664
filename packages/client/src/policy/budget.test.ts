import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RETRY_BUDGET_DEFAULTS, RetryBudget } from './budget.ts';

const { capacity, perSecond, perSuccess } = RETRY_BUDGET_DEFAULTS;

function spendAll(budget: RetryBudget, now = 0): number {
  let spent = 0;
  while (budget.spend(3, now) === 0) spent += 1;
  return spent;
}

describe('RetryBudget', () => {
  it('gives the first attempt and the first repetition away', () => {
    const budget = new RetryBudget(0);
    spendAll(budget);
    expect([budget.spend(1, 0), budget.spend(2, 0)]).toEqual([0, 0]);
    expect(budget.spend(3, 0)).toBeGreaterThan(0);
  });

  it('can save up to its capacity, and no more', () => {
    const budget = new RetryBudget(0);
    for (let i = 0; i < 10_000; i += 1) budget.succeeded();
    expect(spendAll(budget, 3_600_000)).toBe(capacity);
  });

  it('is filled by successes and, a little, by time', () => {
    const budget = new RetryBudget(0);
    spendAll(budget);
    for (let i = 0; i < 55; i += 1) budget.succeeded();
    expect(spendAll(budget)).toBe(Math.floor(55 * perSuccess));
    expect(spendAll(budget, 1_000)).toBe(perSecond);
  });

  it('says when to ask again, and then has a token', () => {
    const budget = new RetryBudget(0);
    spendAll(budget);
    const waitMs = budget.spend(3, 0);
    expect(waitMs).toBe(1_000 / perSecond);
    expect(budget.spend(3, waitMs)).toBe(0);
  });

  it('never gives more than it got, in any order of calls', () => {
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 500 }), success: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 500 }), (steps) => {
        const budget = new RetryBudget(0);
        let now = 0;
        let spent = 0;
        let successes = 0;
        for (const { afterMs, success } of steps) {
          now += afterMs;
          if (success) budget.succeeded();
          else if (budget.spend(3, now) === 0) spent += 1;
          if (success) successes += 1;
        }
        const got = capacity + successes * perSuccess + (now / 1_000) * perSecond;
        expect(spent).toBeLessThanOrEqual(got + 1e-6);
      }),
    );
  });
});
