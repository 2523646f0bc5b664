/** Appointments: everybody sees those that concern them, the secretary enters and changes them. */
import { z } from 'zod';
import { addBooking, changeBooking, findBooking } from '../school/bookings.ts';
import { deleteVersion } from '../school/versions.ts';
import type { Booking, BookingValues } from '../school/bookings.ts';
import { classes, periods, rooms, teachers } from '../school/directory.ts';
import type { Choice } from '../school/directory.ts';
import { choiceField, longTextField, optionalId, textField } from './form.ts';
import type { Option } from './form.ts';
import { html } from './html.ts';
import type { Resource } from './resource.ts';
import { NOT_IN_ORDER, isInOrder, note, periodOptions, slot, slotFields, title } from './slot-fields.ts';

export const appointments: Resource<Booking, BookingValues> = {
  path: '/termine',
  editors: ['secretary'],
  words: {
    add: 'Termin eintragen',
    change: 'Termin ändern',
    remove: 'Termin löschen',
    it: 'Der Termin',
  },
  labels: {
    title: 'Titel',
    day: 'Tag',
    first: 'Von',
    last: 'Bis',
    classId: 'Klasse',
    teacherId: 'Lehrkraft',
    roomId: 'Raum',
    note: 'Hinweis',
  },
  schema: z
    .object({ title, note, ...slot, classId: optionalId, teacherId: optionalId, roomId: optionalId })
    .refine(isInOrder, NOT_IN_ORDER)
    .transform((values) => ({ ...values, subjectId: null })),

  find: (database, account, id) => findBooking(database, account, 'appointment', id),
  mayEdit: () => true,
  add: (transaction, account, values) => addBooking(transaction, account, 'appointment', values),
  change: changeBooking,
  remove: (transaction, seen) => deleteVersion(transaction, 'booking', seen),

  valuesOf: (item) => ({
    title: item.title,
    day: item.day,
    first: String(item.first),
    last: String(item.last),
    classId: String(item.classId ?? ''),
    teacherId: String(item.teacherId ?? ''),
    roomId: String(item.roomId ?? ''),
    note: item.note,
  }),
  async choices(database) {
    const [allClasses, allTeachers, allRooms, hours] = await Promise.all([
      classes(database),
      teachers(database),
      rooms(database),
      periods(database),
    ]);
    return {
      classId: optionsOf(allClasses),
      teacherId: optionsOf(allTeachers),
      roomId: optionsOf(allRooms),
      first: periodOptions(hours),
      last: periodOptions(hours),
    };
  },
  fields: (state, choices) => html`
    ${textField({ name: 'title', label: 'Titel', state, required: true, maxLength: 120 })}
    ${slotFields(state, choices['first'] ?? [])}
    ${choiceField({ name: 'classId', label: 'Klasse', options: choices['classId'] ?? [], none: 'Ganze Schule', state })}
    ${choiceField({ name: 'teacherId', label: 'Lehrkraft', options: choices['teacherId'] ?? [], none: 'Keine', state })}
    ${choiceField({ name: 'roomId', label: 'Raum', options: choices['roomId'] ?? [], none: 'Keiner', state })}
    ${longTextField({ name: 'note', label: 'Hinweis', state, maxLength: 500 })}
  `,
};

export function optionsOf(choices: readonly Choice[]): Option[] {
  return choices.map(({ id, name }) => ({ value: String(id), name }));
}
