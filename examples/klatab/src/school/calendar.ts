/** Days are texts such as `2026-11-25` everywhere: the school has one time zone, and a day has none. */

const TIME_ZONE = 'Europe/Berlin';

const ISO = new Intl.DateTimeFormat('sv-SE', { timeZone: TIME_ZONE });
const LONG = new Intl.DateTimeFormat('de-DE', {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  timeZone: 'UTC',
});
const SHORT = new Intl.DateTimeFormat('de-DE', {
  weekday: 'short',
  day: '2-digit',
  month: '2-digit',
  year: 'numeric',
  timeZone: 'UTC',
});
const CLOCK = new Intl.DateTimeFormat('de-DE', { timeStyle: 'medium', timeZone: TIME_ZONE });

export function dayOf(moment: Date): string {
  return ISO.format(moment);
}

/** `Mittwoch, 25. November` */
export function longDay(day: string): string {
  return LONG.format(utc(day));
}

/** `Mi., 25.11.2026` */
export function shortDay(day: string): string {
  return SHORT.format(utc(day));
}

/** `10:32:07` */
export function clockTime(moment: Date): string {
  return CLOCK.format(moment);
}

export function addDays(day: string, days: number): string {
  const moved = utc(day);
  moved.setUTCDate(moved.getUTCDate() + days);
  return moved.toISOString().slice(0, 10);
}

/** Monday is 1, Sunday 7. */
export function weekdayOf(day: string): number {
  return utc(day).getUTCDay() || 7;
}

/** The five school days of a day's week; on a weekend those of the next one. */
export function schoolWeek(day: string): string[] {
  const weekday = weekdayOf(day);
  const monday = addDays(day, weekday > 5 ? 8 - weekday : 1 - weekday);
  return [0, 1, 2, 3, 4].map((days) => addDays(monday, days));
}

/** @returns the day that a text means, or undefined. */
export function parseDay(text: unknown): string | undefined {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const moment = utc(text);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(text) ? text : undefined;
}

function utc(day: string): Date {
  return new Date(`${day}T00:00:00Z`);
}
