/** Substitutions: the secretary enters and changes them. */
import { z } from 'zod';
import type { Database } from '../database/query.ts';
import { parseDay, shortDay, weekdayOf } from '../school/calendar.ts';
import { rooms, teachers } from '../school/directory.ts';
import { FieldError } from '../school/errors.ts';
import { addSubstitution, changeSubstitution, findSubstitution } from '../school/substitutions.ts';
import type { Substitution, SubstitutionValues } from '../school/substitutions.ts';
import { lessonsOn } from '../school/timetable.ts';
import { deleteVersion } from '../school/versions.ts';
import { optionsOf } from './appointments.ts';
import { choiceField, longTextField, optionalId, requiredId, textField } from './form.ts';
import type { Option } from './form.ts';
import { html } from './html.ts';
import type { Resource } from './resource.ts';
import { hoursText, note, schoolDay } from './slot-fields.ts';

export const substitutions: Resource<Substitution, SubstitutionValues> = {
  path: '/vertretungen',
  editors: ['secretary'],
  words: {
    add: 'Vertretung eintragen',
    change: 'Vertretung ändern',
    remove: 'Vertretung löschen',
    it: 'Die Vertretung',
  },
  labels: { day: 'Tag', lessonId: 'Stunde', teacherId: 'Vertretung', roomId: 'Raum', note: 'Hinweis' },
  schema: z.object({
    day: schoolDay,
    lessonId: requiredId('Bitte eine Stunde wählen.'),
    teacherId: optionalId,
    roomId: optionalId,
    note,
  }),

  find: (database, _account, id) => findSubstitution(database, id),
  mayEdit: () => true,
  add: addSubstitution,
  async change(transaction, account, base, values) {
    const { day, lessonId } = await findSubstitution(transaction, base.id);
    if (day !== values.day)
      throw new FieldError('day', 'Der Tag steht fest: Bitte löschen und neu eintragen.');
    if (lessonId !== values.lessonId)
      throw new FieldError('lessonId', 'Die Stunde steht fest: Bitte löschen und neu eintragen.');
    await changeSubstitution(transaction, account, base, values);
  },
  remove: (transaction, seen) => deleteVersion(transaction, 'substitution', seen),

  valuesOf: (item) => ({
    day: item.day,
    lessonId: String(item.lessonId),
    teacherId: String(item.teacherId ?? ''),
    roomId: String(item.roomId ?? ''),
    note: item.note,
  }),
  async choices(database, _account, values) {
    const [lessons, allTeachers, allRooms] = await Promise.all([
      lessonOptions(database, values['day']),
      teachers(database),
      rooms(database),
    ]);
    return { lessonId: lessons, teacherId: optionsOf(allTeachers), roomId: optionsOf(allRooms) };
  },
  fields: (state, choices) => html`
    ${textField({ name: 'day', label: 'Tag', type: 'date', state, required: true })}
    ${choiceField({ name: 'lessonId', label: 'Stunde', options: choices['lessonId'] ?? [], state, required: true })}
    ${choiceField({ name: 'teacherId', label: 'Vertretung', options: choices['teacherId'] ?? [], none: 'Entfällt', state })}
    ${choiceField({ name: 'roomId', label: 'Raum', options: choices['roomId'] ?? [], none: 'Wie sonst', state })}
    ${longTextField({ name: 'note', label: 'Hinweis', state, maxLength: 500 })}
  `,
};

/** The lessons of that day: it is chosen before the form is opened. */
async function lessonOptions(database: Database, day: string | undefined): Promise<Option[]> {
  const chosen = parseDay(day);
  if (chosen === undefined) return [];
  const lessons = await lessonsOn(database, weekdayOf(chosen));
  return lessons.map((lesson) => ({
    value: String(lesson.id),
    name: `${lesson.className}, ${hoursText(lesson)}: ${lesson.subject}, ${lesson.teacher}`,
  }));
}

/** `Mo., 30.11.2026, 1.–2. Stunde, IT1A: Deutsch` */
export function substitutionTitle(item: Substitution): string {
  return `${shortDay(item.day)}, ${hoursText(item)}, ${item.className}: ${item.subject}`;
}
