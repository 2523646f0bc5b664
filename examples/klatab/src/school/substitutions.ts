/** Lessons that are different on one day: another teacher, another room, or none at all. */
import type { Transaction } from '@schooldb/client';
import { sql } from 'kysely';
import { allOf, day, firstOf, query } from '../database/query.ts';
import type { Database } from '../database/query.ts';
import type { Account } from './accounts.ts';
import { NotFoundError } from './errors.ts';
import { assertWasSeen } from './versions.ts';
import type { SeenVersion } from './versions.ts';

export interface SubstitutionValues {
  readonly day: string;
  readonly lessonId: number;
  /** Null: the lesson is cancelled. */
  readonly teacherId: number | null;
  /** Null: the room of the lesson. */
  readonly roomId: number | null;
  readonly note: string;
}

export interface Substitution extends SubstitutionValues {
  readonly id: number;
  readonly first: number;
  readonly last: number;
  readonly className: string;
  readonly subject: string;
  /** Who has the lesson otherwise. */
  readonly absent: string;
  readonly teacher: string | null;
  readonly room: string;
  readonly version: number;
  readonly changedBy: string | null;
  readonly changedAt: Date;
}

/** Those that concern the account: of the own class; of the own lessons, and those that one takes over; or all. */
export function listSubstitutions(
  database: Database,
  account: Account,
  { from, to, limit }: { readonly from: string; readonly to?: string; readonly limit: number },
): Promise<Substitution[]> {
  let built = substitutions().where('substitution.day', '>=', from);
  if (to !== undefined) built = built.where('substitution.day', '<=', to);
  if (account.role === 'pupil') built = built.where('lesson.class_id', '=', account.classId);
  if (account.role === 'teacher') {
    built = built.where((eb) =>
      eb.or([
        eb('lesson.teacher_id', '=', account.teacherId),
        eb('substitution.teacher_id', '=', account.teacherId),
      ]),
    );
  }
  return allOf(
    database,
    built
      .orderBy('substitution.day')
      .orderBy('substitution.first_period')
      .orderBy('substitution.id')
      .limit(limit),
  );
}

/** @throws NotFoundError */
export async function findSubstitution(database: Database, id: number): Promise<Substitution> {
  const found = await firstOf(database, substitutions().where('substitution.id', '=', id));
  if (found === undefined) throw new NotFoundError(`substitution ${id}`);
  return found;
}

/** @throws NotFoundError where there is no such lesson. */
export async function addSubstitution(
  transaction: Transaction,
  account: Account,
  values: SubstitutionValues,
): Promise<number> {
  const lesson = await firstOf(
    transaction,
    query.selectFrom('lesson').select(['first_period', 'last_period']).where('id', '=', values.lessonId),
  );
  if (lesson === undefined) throw new NotFoundError(`lesson ${values.lessonId}`);
  const added = await firstOf(
    transaction,
    query
      .insertInto('substitution')
      .values({
        ...lesson,
        day: values.day,
        lesson_id: values.lessonId,
        teacher_id: values.teacherId,
        room_id: values.roomId,
        note: values.note,
        changed_by: account.id,
      })
      .returning('id'),
  );
  if (added === undefined) throw new Error('INSERT returned no row');
  return added.id;
}

/** Day and lesson stay: another lesson is another substitution. @throws VersionConflictError */
export async function changeSubstitution(
  transaction: Transaction,
  account: Account,
  seen: SeenVersion,
  values: Pick<SubstitutionValues, 'teacherId' | 'roomId' | 'note'>,
): Promise<void> {
  const changed = await firstOf(
    transaction,
    query
      .updateTable('substitution')
      .set({
        teacher_id: values.teacherId,
        room_id: values.roomId,
        note: values.note,
        version: seen.version + 1,
        changed_by: account.id,
        changed_at: sql<Date>`now()`,
      })
      .where('id', '=', seen.id)
      .where('version', '=', seen.version)
      .returning('id'),
  );
  assertWasSeen(changed, 'substitution', seen);
}

function substitutions() {
  return query
    .selectFrom('substitution')
    .innerJoin('lesson', 'lesson.id', 'substitution.lesson_id')
    .innerJoin('school_class', 'school_class.id', 'lesson.class_id')
    .innerJoin('subject', 'subject.id', 'lesson.subject_id')
    .innerJoin('teacher as absent', 'absent.id', 'lesson.teacher_id')
    .leftJoin('teacher', 'teacher.id', 'substitution.teacher_id')
    .innerJoin('room', (join) =>
      join.on(sql<boolean>`room.id = coalesce(substitution.room_id, lesson.room_id)`),
    )
    .leftJoin('account', 'account.id', 'substitution.changed_by')
    .select([
      'substitution.id',
      day('substitution.day').as('day'),
      'substitution.lesson_id as lessonId',
      'substitution.first_period as first',
      'substitution.last_period as last',
      'substitution.teacher_id as teacherId',
      'substitution.room_id as roomId',
      'substitution.note',
      'school_class.name as className',
      'subject.name as subject',
      'absent.name as absent',
      'teacher.name as teacher',
      'room.name as room',
      'substitution.version',
      'account.name as changedBy',
      'substitution.changed_at as changedAt',
    ]);
}
