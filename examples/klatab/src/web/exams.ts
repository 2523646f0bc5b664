/** Exams: a teacher enters those of the own classes and subjects, and changes the own ones. */
import type { Transaction } from '@schooldb/client';
import { z } from 'zod';
import type { Database } from '../database/query.ts';
import type { Account } from '../school/accounts.ts';
import { addBooking, changeBooking, findBooking } from '../school/bookings.ts';
import { deleteVersion } from '../school/versions.ts';
import type { Booking, BookingValues } from '../school/bookings.ts';
import { coursesOf, periods, rooms } from '../school/directory.ts';
import type { Course } from '../school/directory.ts';
import { FieldError } from '../school/errors.ts';
import { optionsOf } from './appointments.ts';
import { choiceField, longTextField, optionalId, textField } from './form.ts';
import { html } from './html.ts';
import type { Resource } from './resource.ts';
import { NOT_IN_ORDER, isInOrder, note, periodOptions, slot, slotFields, title } from './slot-fields.ts';

/** A class and a subject in one choice: `3-7`. */
const course = z
  .string()
  .regex(/^\d{1,9}-\d{1,9}$/, 'Bitte Klasse und Fach wählen.')
  .transform((text) => {
    const [classId = 0, subjectId = 0] = text.split('-').map(Number);
    return { classId, subjectId };
  });

type ExamValues = Omit<BookingValues, 'classId' | 'subjectId' | 'teacherId'> & {
  readonly course: Pick<Course, 'classId' | 'subjectId'>;
};

export const exams: Resource<Booking, ExamValues> = {
  path: '/pruefungen',
  editors: ['teacher'],
  words: {
    add: 'Prüfung eintragen',
    change: 'Prüfung ändern',
    remove: 'Prüfung löschen',
    it: 'Die Prüfung',
  },
  labels: {
    course: 'Klasse und Fach',
    title: 'Thema',
    day: 'Tag',
    first: 'Von',
    last: 'Bis',
    roomId: 'Raum',
    note: 'Hinweis',
  },
  schema: z.object({ title, note, ...slot, course, roomId: optionalId }).refine(isInOrder, NOT_IN_ORDER),

  find: (database, account, id) => findBooking(database, account, 'exam', id),
  mayEdit: (account, item) => account.role === 'teacher' && item.teacherId === account.teacherId,
  add: async (transaction, account, values) =>
    addBooking(transaction, account, 'exam', await bookingOf(transaction, account, values)),
  change: async (transaction, account, base, values) =>
    changeBooking(transaction, account, base, await bookingOf(transaction, account, values)),
  remove: (transaction, seen) => deleteVersion(transaction, 'booking', seen),

  valuesOf: (item) => ({
    course: `${item.classId}-${item.subjectId}`,
    title: item.title,
    day: item.day,
    first: String(item.first),
    last: String(item.last),
    roomId: String(item.roomId ?? ''),
    note: item.note,
  }),
  async choices(database, account) {
    const [courses, allRooms, hours] = await Promise.all([
      ownCourses(database, account),
      rooms(database),
      periods(database),
    ]);
    return {
      course: courses.map(({ classId, className, subjectId, subjectName }) => ({
        value: `${classId}-${subjectId}`,
        name: `${className}, ${subjectName}`,
      })),
      roomId: optionsOf(allRooms),
      first: periodOptions(hours),
      last: periodOptions(hours),
    };
  },
  fields: (state, choices) => html`
    ${choiceField({ name: 'course', label: 'Klasse und Fach', options: choices['course'] ?? [], state, required: true })}
    ${textField({ name: 'title', label: 'Thema', state, required: true, maxLength: 120 })}
    ${slotFields(state, choices['first'] ?? [])}
    ${choiceField({ name: 'roomId', label: 'Raum', options: choices['roomId'] ?? [], none: 'Keiner', state })}
    ${longTextField({ name: 'note', label: 'Hinweis', state, maxLength: 500 })}
  `,
};

/** @throws FieldError where the teacher does not teach that there: the form offers only what is allowed. */
async function bookingOf(
  transaction: Transaction,
  account: Account,
  { course: { classId, subjectId }, ...values }: ExamValues,
): Promise<BookingValues> {
  const own = await ownCourses(transaction, account);
  const isOwn = own.some((each) => each.classId === classId && each.subjectId === subjectId);
  if (account.role !== 'teacher' || !isOwn)
    throw new FieldError('course', 'Dieses Fach unterrichten Sie in dieser Klasse nicht.');
  return { ...values, classId, subjectId, teacherId: account.teacherId };
}

async function ownCourses(database: Database, account: Account): Promise<Course[]> {
  return account.role === 'teacher' ? coursesOf(database, account.teacherId) : [];
}
