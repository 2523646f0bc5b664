import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LOAD_FAULTS, leadsToFailover, parseFaultSchedule } from './fault-schedule.ts';

describe('parseFaultSchedule', () => {
  it('knows the faults that the README names', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const named = /^Faults: ([^.]+)\./m.exec(readme)?.[1]?.split(/,\s+/);
    expect(named).toEqual(LOAD_FAULTS);
  });

  it('reads several faults in the order of their moments', () => {
    expect(parseFaultSchedule('blackhole@15s/3s, kill-primary@10s')).toEqual([
      { name: 'kill-primary', atMs: 10_000, forMs: null },
      { name: 'blackhole', atMs: 15_000, forMs: 3_000 },
    ]);
  });

  it.each([
    ['kill-primary', 'is not name@at or name@at/for'],
    ['kill-primary@', 'is not name@at or name@at/for'],
    ['kill-primary@10', "'10' in 'kill-primary@10' is not a duration"],
    ['refuse@10s/x', "'x' in 'refuse@10s/x' is not a duration"],
    ['', 'is not name@at or name@at/for'],
  ])('refuses %j', (text, message) => {
    expect(() => parseFaultSchedule(text)).toThrow(message);
  });

  it('names the faults that exist when one does not', () => {
    expect(() => parseFaultSchedule('meteorite@1s')).toThrow(
      /there is no fault 'meteorite'; there are .*kill-primary.*freeze-primary/,
    );
  });
});

describe('leadsToFailover', () => {
  const after = (name: 'kill-primary' | 'switchover' | 'refuse', forMs: number | null) =>
    leadsToFailover({ name, atMs: 0, forMs }, 5_000);

  it('is true where a standby has to take over', () => {
    expect(after('kill-primary', null)).toBe(true);
    expect(after('switchover', null)).toBe(true);
  });

  it('is false where the primary is back before the promotion', () => {
    expect(after('kill-primary', 4_000)).toBe(false);
    expect(after('kill-primary', 6_000)).toBe(true);
  });

  it('is false for the network', () => {
    expect(after('refuse', null)).toBe(false);
  });
});
