import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chaosFaults, chaosSchedule, parseChaos } from './chaos.ts';
import { faultScheduleText, parseFaultSchedule } from './fault-schedule.ts';

const MINUTE_MS = 60_000;

describe('parseChaos', () => {
  it('needs a seed and nothing else', () => {
    expect(parseChaos('seed=42', 'embedded')).toEqual({
      seed: 42,
      everyMs: 20_000,
      faults: chaosFaults('embedded'),
      overlap: false,
    });
  });

  it('takes a time, faults and overlap', () => {
    expect(parseChaos('seed=1, every=5s, faults=kill-primary|refuse, overlap=true', 'embedded')).toEqual({
      seed: 1,
      everyMs: 5_000,
      faults: ['kill-primary', 'refuse'],
      overlap: true,
    });
  });

  it.each([
    ['', "'' is not one of seed=N"],
    ['every=5s', 'seed must be a whole number from 0 to 2147483647, and was not given'],
    ['seed=-1', "seed must be a whole number from 0 to 2147483647, '-1' was given"],
    ['seed=1,every=5', "every must be a time of 1s or more, such as 20s, '5' was given"],
    ['seed=1,often=yes', "'often=yes' is not one of"],
    ['seed=1,overlap=perhaps', "overlap must be true or false, 'perhaps' was given"],
    ['seed=1,faults=lose-etcd', "'lose-etcd' cannot be drawn with engine embedded; there are kill-primary, "],
  ])('refuses %j', (text, message) => {
    expect(() => parseChaos(text, 'embedded')).toThrow(message);
  });

  it('draws what only Patroni has with Patroni', () => {
    expect(chaosFaults('patroni')).toContain('lose-etcd');
    expect(chaosFaults('embedded')).not.toContain('lose-etcd');
  });
});

describe('chaosSchedule', () => {
  const schedule = (seed: number, everyMs = 10_000) =>
    chaosSchedule({ seed, everyMs, faults: chaosFaults('patroni'), overlap: false }, 5 * MINUTE_MS);

  it('is the same for the same seed, and another for another', () => {
    expect(schedule(42)).toEqual(schedule(42));
    expect(schedule(42)).not.toEqual(schedule(43));
  });

  it('can be written down and read back exactly, within the load, in order', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1_000, max: MINUTE_MS }), (seed, everyMs) => {
        const drawn = schedule(seed, everyMs);
        expect(drawn.length).toBeGreaterThan(0);
        expect(parseFaultSchedule(faultScheduleText(drawn))).toEqual(drawn);
        for (const [index, { atMs, forMs }] of drawn.entries()) {
          expect(atMs).toBeGreaterThan(drawn[index - 1]?.atMs ?? 0);
          expect(atMs + (forMs ?? 0)).toBeLessThan(5 * MINUTE_MS);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('draws every fault sooner or later', () => {
    const names = Array.from({ length: 30 }, (_, seed) => schedule(seed)).flat();
    expect(new Set(names.map(({ name }) => name))).toEqual(new Set(chaosFaults('patroni')));
  });
});
