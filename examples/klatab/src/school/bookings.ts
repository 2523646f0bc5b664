/** What happens once: appointments and exams. One slot holds one of them, whichever it is. */
import type { Transaction } from '@schooldb/client';
import { sql } from 'kysely';
import type { ExpressionBuilder } from 'kysely';
import { allOf, day, firstOf, query } from '../database/query.ts';
import type { Database } from '../database/query.ts';
import type { BookingKind, KlaTab } from '../database/schema.ts';
import type { Account } from './accounts.ts';
import { NotFoundError } from './errors.ts';
import { assertWasSeen } from './versions.ts';
import type { SeenVersion } from './versions.ts';

/** What a form says. */
export interface BookingValues {
  readonly title: string;
  readonly note: string;
  readonly day: string;
  readonly first: number;
  readonly last: number;
  readonly classId: number | null;
  readonly subjectId: number | null;
  readonly teacherId: number | null;
  readonly roomId: number | null;
}

export interface Booking extends BookingValues {
  readonly id: number;
  readonly kind: BookingKind;
  readonly className: string | null;
  readonly subject: string | null;
  readonly teacher: string | null;
  readonly room: string | null;
  readonly version: number;
  readonly changedBy: string | null;
  readonly changedAt: Date;
}

export interface BookingFilter {
  readonly kind: BookingKind;
  readonly from: string;
  readonly to?: string;
  readonly classId?: number;
  readonly limit: number;
}

/** What the account may see of them, from a day on. */
export function listBookings(
  database: Database,
  account: Account,
  filter: BookingFilter,
): Promise<Booking[]> {
  let built = bookings()
    .where('booking.kind', '=', filter.kind)
    .where('booking.day', '>=', filter.from)
    .where((eb) => visibleTo(account, eb));
  if (filter.to !== undefined) built = built.where('booking.day', '<=', filter.to);
  if (filter.classId !== undefined) built = built.where('booking.class_id', '=', filter.classId);
  return allOf(
    database,
    built.orderBy('booking.day').orderBy('first_period').orderBy('booking.id').limit(filter.limit),
  );
}

/** @throws NotFoundError, also where it is not for the account to see. */
export async function findBooking(
  database: Database,
  account: Account,
  kind: BookingKind,
  id: number,
): Promise<Booking> {
  const found = await firstOf(
    database,
    bookings()
      .where('booking.id', '=', id)
      .where('booking.kind', '=', kind)
      .where((eb) => visibleTo(account, eb)),
  );
  if (found === undefined) throw new NotFoundError(`${kind} ${id}`);
  return found;
}

export async function addBooking(
  transaction: Transaction,
  account: Account,
  kind: BookingKind,
  values: BookingValues,
): Promise<number> {
  const added = await firstOf(
    transaction,
    query
      .insertInto('booking')
      .values({ kind, ...columnsOf(values), changed_by: account.id })
      .returning('id'),
  );
  if (added === undefined) throw new Error('INSERT returned no row');
  return added.id;
}

/** @throws VersionConflictError where it has changed, or is gone, since the version that the form shows. */
export async function changeBooking(
  transaction: Transaction,
  account: Account,
  seen: SeenVersion,
  values: BookingValues,
): Promise<void> {
  const changed = await firstOf(
    transaction,
    query
      .updateTable('booking')
      .set({
        ...columnsOf(values),
        version: seen.version + 1,
        changed_by: account.id,
        changed_at: sql<Date>`now()`,
      })
      .where('id', '=', seen.id)
      .where('version', '=', seen.version)
      .returning('id'),
  );
  assertWasSeen(changed, 'booking', seen);
}

/** A pupil sees what concerns the own class, a teacher also what concerns himself, the secretary everything. */
function visibleTo(account: Account, eb: ExpressionBuilder<KlaTab, 'booking'>) {
  if (account.role === 'secretary') return eb.lit(true);
  const all = eb('booking.class_id', 'is', null);
  if (account.role === 'pupil') return eb.or([all, eb('booking.class_id', '=', account.classId)]);
  const ownClasses = query
    .selectFrom('lesson')
    .select('class_id')
    .where('teacher_id', '=', account.teacherId);
  return eb.or([
    all,
    eb('booking.teacher_id', '=', account.teacherId),
    eb('booking.class_id', 'in', ownClasses),
  ]);
}

function columnsOf(values: BookingValues) {
  return {
    title: values.title,
    note: values.note,
    day: values.day,
    first_period: values.first,
    last_period: values.last,
    class_id: values.classId,
    subject_id: values.subjectId,
    teacher_id: values.teacherId,
    room_id: values.roomId,
  };
}

function bookings() {
  return query
    .selectFrom('booking')
    .leftJoin('school_class', 'school_class.id', 'booking.class_id')
    .leftJoin('subject', 'subject.id', 'booking.subject_id')
    .leftJoin('teacher', 'teacher.id', 'booking.teacher_id')
    .leftJoin('room', 'room.id', 'booking.room_id')
    .leftJoin('account', 'account.id', 'booking.changed_by')
    .select([
      'booking.id',
      'booking.kind',
      'booking.title',
      'booking.note',
      day('booking.day').as('day'),
      'booking.first_period as first',
      'booking.last_period as last',
      'booking.class_id as classId',
      'booking.subject_id as subjectId',
      'booking.teacher_id as teacherId',
      'booking.room_id as roomId',
      'school_class.name as className',
      'subject.name as subject',
      'teacher.name as teacher',
      'room.name as room',
      'booking.version',
      'account.name as changedBy',
      'booking.changed_at as changedAt',
    ]);
}
