import { describe, expect, it } from 'vitest';
import { addDays, dayOf, longDay, parseDay, schoolWeek, shortDay, weekdayOf } from './calendar.ts';

it('a moment belongs to the day that the school has then', () => {
  expect(dayOf(new Date('2026-11-25T22:59:59Z'))).toBe('2026-11-25');
  expect(dayOf(new Date('2026-11-25T23:00:00Z'))).toBe('2026-11-26');
  // In summer an hour earlier.
  expect(dayOf(new Date('2026-07-01T22:00:00Z'))).toBe('2026-07-02');
});

it('days are counted over months, leap years and the change of clocks', () => {
  expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
  expect(addDays('2026-03-28', 2)).toBe('2026-03-30');
  expect(addDays('2027-01-01', -1)).toBe('2026-12-31');
});

it('a week is that of the day, and on a weekend the next', () => {
  const week = ['2026-11-23', '2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27'];
  expect(schoolWeek('2026-11-25')).toEqual(week);
  expect(schoolWeek('2026-11-22')).toEqual(week);
  expect(schoolWeek('2026-11-21')).toEqual(week);
});

it('days are spoken in German', () => {
  expect([longDay('2026-11-25'), shortDay('2026-11-25')]).toEqual([
    'Mittwoch, 25. November',
    'Mi., 25.11.2026',
  ]);
  expect(weekdayOf('2026-11-29')).toBe(7);
});

describe('parseDay', () => {
  it.each(['', '2026-11-31', '2026-1-1', '25.11.2026', "2026-11-25'; --", 20261125, undefined])(
    'takes %j for no day',
    (text) => expect(parseDay(text)).toBeUndefined(),
  );
});
