import { allOf, query } from '../database/query.ts';
import type { Database } from '../database/query.ts';

export interface Lesson {
  readonly id: number;
  readonly weekday: number;
  readonly first: number;
  readonly last: number;
  readonly subject: string;
  readonly className: string;
  readonly teacherId: number;
  readonly teacher: string;
  readonly roomId: number;
  readonly room: string;
}

/** Whose timetable. */
export type Whose = { readonly classId: number } | { readonly teacherId: number };

export function timetable(database: Database, whose: Whose): Promise<Lesson[]> {
  const [column, id] =
    'classId' in whose
      ? (['lesson.class_id', whose.classId] as const)
      : (['lesson.teacher_id', whose.teacherId] as const);
  return allOf(database, lessons().where(column, '=', id).orderBy('weekday').orderBy('first_period'));
}

/** The lessons of one weekday, of the whole school or a class. */
export function lessonsOn(database: Database, weekday: number, classId?: number): Promise<Lesson[]> {
  let built = lessons().where('weekday', '=', weekday);
  if (classId !== undefined) built = built.where('lesson.class_id', '=', classId);
  return allOf(database, built.orderBy('school_class.name').orderBy('first_period'));
}

function lessons() {
  return query
    .selectFrom('lesson')
    .innerJoin('school_class', 'school_class.id', 'lesson.class_id')
    .innerJoin('subject', 'subject.id', 'lesson.subject_id')
    .innerJoin('teacher', 'teacher.id', 'lesson.teacher_id')
    .innerJoin('room', 'room.id', 'lesson.room_id')
    .select([
      'lesson.id',
      'weekday',
      'first_period as first',
      'last_period as last',
      'subject.name as subject',
      'school_class.name as className',
      'teacher_id as teacherId',
      'teacher.name as teacher',
      'room_id as roomId',
      'room.name as room',
    ]);
}
