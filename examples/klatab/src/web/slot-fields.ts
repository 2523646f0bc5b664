/** Day and hours: what every form for something that happens once has. */
import { z } from 'zod';
import { parseDay, weekdayOf } from '../school/calendar.ts';
import type { Period } from '../school/directory.ts';
import { choiceField, textField } from './form.ts';
import type { FormState, Option } from './form.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';

export const schoolDay = z
  .string()
  .refine((text) => parseDay(text) !== undefined, 'Bitte einen Tag wählen.')
  .refine((text) => parseDay(text) === undefined || weekdayOf(text) <= 5, 'Am Wochenende ist keine Schule.');

const period = z
  .string()
  .regex(/^\d{1,2}$/, 'Bitte eine Stunde wählen.')
  .transform(Number);

export const slot = { day: schoolDay, first: period, last: period };

export function isInOrder({ first, last }: { readonly first: number; readonly last: number }): boolean {
  return first <= last;
}

export const NOT_IN_ORDER = { path: ['last'], message: 'Die letzte Stunde liegt vor der ersten.' };

export const title = z
  .string()
  .trim()
  .min(1, 'Bitte einen Titel angeben.')
  .max(120, 'Höchstens 120 Zeichen, bitte.');

export const note = z.string().trim().max(500, 'Höchstens 500 Zeichen, bitte.');

export function periodOptions(periods: readonly Period[]): Option[] {
  return periods.map(({ number, begins, ends }) => ({
    value: String(number),
    name: `${number}. Stunde (${begins}–${ends})`,
  }));
}

export function slotFields(state: FormState, hours: readonly Option[]): Html {
  return html`${textField({ name: 'day', label: 'Tag', type: 'date', state, required: true })}
    <div class="pair">
      ${choiceField({ name: 'first', label: 'Von', options: hours, state, required: true })}
      ${choiceField({ name: 'last', label: 'Bis', options: hours, state, required: true })}
    </div>`;
}

/** `1.–2. Stunde` */
export function hoursText({ first, last }: { readonly first: number; readonly last: number }): string {
  return first === last ? `${first}. Stunde` : `${first}.–${last}. Stunde`;
}
