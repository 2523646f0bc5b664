import { describe, expect, it } from 'vitest';
import { leftoversReport } from './leftovers-report.ts';
import type { Schedule } from './leftovers-report.ts';

const schedule = (more: Partial<Schedule>): Schedule => ({
  number: 1,
  chaosSeed: 7,
  ending: 'by itself',
  endedAtMs: 0,
  exit: 0,
  lastWords: '',
  processes: 40,
  left: [],
  ...more,
});
const brokenBy = (more: Partial<Schedule>) =>
  leftoversReport('embedded', 1, [schedule({}), schedule(more)])
    .limits.filter(({ held }) => !held)
    .map(({ what }) => what);

describe('leftoversReport', () => {
  it.each([
    'process 7 (postgres)',
    'port 5432',
    'file history',
    'unix socket /a',
    'mount /b',
    'network namespace net:[1]',
  ])('counts a %s', (left) => {
    expect(brokenBy({ left: [left] })).toEqual([
      `${left.split(/ (?=\d|\(|\/|net:|history)/)[0]} left behind`,
    ]);
  });

  it.each<Partial<Schedule>>([
    { ending: 'by itself', exit: 10 },
    { ending: 'by itself', exit: 130 },
    { ending: 'SIGINT', exit: 1 },
    { ending: 'SIGKILL', exit: 'still running after 180000 ms' },
  ])('does not accept %j', (more) => {
    expect(brokenBy(more)).toEqual(['ended with a violation, a crash, or not at all']);
  });

  it.each<Partial<Schedule>>([
    { ending: 'by itself', exit: 11 },
    { ending: 'SIGTERM', exit: 'SIGTERM' },
    { ending: 'SIGINT twice', exit: 130 },
    { ending: 'SIGKILL', exit: 'SIGKILL' },
    { ending: 'SIGKILL of the supervisor', exit: 1 },
  ])('accepts %j', (more) => {
    expect(brokenBy(more)).toEqual([]);
  });
});
