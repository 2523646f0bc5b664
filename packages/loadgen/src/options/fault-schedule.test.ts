import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LOAD_FAULTS, faultScheduleText, leadsToFailover, parseFaultSchedule } from './fault-schedule.ts';

describe('parseFaultSchedule', () => {
  it('knows the faults that the README names', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const named = /^Faults: ([^.]+)\./m.exec(readme)?.[1]?.split(/,\s+/);
    expect(named).toEqual(LOAD_FAULTS);
  });

  it('reads several faults in the order of their moments', () => {
    expect(parseFaultSchedule('blackhole@15s/3s, kill-primary@10s')).toEqual([
      { name: 'kill-primary', options: {}, atMs: 10_000, forMs: null },
      { name: 'blackhole', options: {}, atMs: 15_000, forMs: 3_000 },
    ]);
  });

  it('reads options, also those that hold commas', () => {
    expect(
      parseFaultSchedule(
        'partition(pg1|pg2,pg3)@60s/10s,latency(latencyMs=200ms,endpoint=replica)@5s/3s,cut-at-message(message=3; delivered=true)@1s',
      ),
    ).toEqual([
      { name: 'cut-at-message', options: { message: 3, delivered: true }, atMs: 1_000, forMs: null },
      { name: 'latency', options: { latencyMs: 200, endpoint: 'replica' }, atMs: 5_000, forMs: 3_000 },
      { name: 'partition', options: { groups: [['pg1'], ['pg2', 'pg3']] }, atMs: 60_000, forMs: 10_000 },
    ]);
  });

  it('reads back what is written down', () => {
    const text = 'kill-primary@1250ms,partition(pg1|pg2,pg3)@2s/1500ms,lag(server=pg2, lagMs=700)@3s/2s';
    expect(faultScheduleText(parseFaultSchedule(text))).toBe(text);
  });

  it.each([
    ['kill-primary', 'is not name@at or name@at/for'],
    ['kill-primary@', 'is not name@at or name@at/for'],
    ['kill-primary@10', "'kill-primary@10' at character 1: '10' is not a duration"],
    ['restart@1s, refuse@10s/x', "'refuse@10s/x' at character 13: 'x' is not a duration"],
    ['kill-primary@1s,', "'' at character 17: is not name@at"],
    ['latency(latencyMs=5@1s', 'at character 8: this parenthesis is never closed'],
    ['latency)@1s', 'at character 8: this parenthesis was never opened'],
    ['latency(())@1s', 'at character 9: parentheses do not go into parentheses'],
    [
      'restart@1s,latency(slow=1)@2s',
      "'latency(slow=1)@2s' at character 12: fault latency: option slow: is not an option of it (allowed: endpoint,",
    ],
    ['latency(latencyMs=x)@1s', 'option latencyMs: "x" was given (allowed: a number of milliseconds from 0'],
    ['partition(pg1)@1s', 'option groups: [["pg1"]] was given (allowed: two or more groups'],
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
    leadsToFailover({ name, options: {}, atMs: 0, forMs }, 5_000);

  it('is true where a standby has to take over', () => {
    expect(after('kill-primary', null)).toBe(true);
    expect(after('switchover', null)).toBe(true);
  });

  it('is false where the primary is back before the promotion', () => {
    expect(after('kill-primary', 4_000)).toBe(false);
    expect(after('kill-primary', 6_000)).toBe(true);
  });

  it('is false where the agent lives and starts the primary again', () => {
    const fault = { name: 'kill-primary', options: { keepAgent: true }, atMs: 0, forMs: null } as const;
    expect(leadsToFailover(fault, 5_000)).toBe(false);
  });

  it('is false for the network', () => {
    expect(after('refuse', null)).toBe(false);
  });
});
