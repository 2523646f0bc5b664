/** What forms offer to choose from. */
import { allOf, query } from '../database/query.ts';
import type { Database } from '../database/query.ts';

export interface Choice {
  readonly id: number;
  readonly name: string;
}

export function classes(database: Database): Promise<Choice[]> {
  return allOf(database, query.selectFrom('school_class').select(['id', 'name']).orderBy('name'));
}

export function rooms(database: Database): Promise<Choice[]> {
  return allOf(database, query.selectFrom('room').select(['id', 'name']).orderBy('name'));
}

export function teachers(database: Database): Promise<Choice[]> {
  return allOf(database, query.selectFrom('teacher').select(['id', 'name']).orderBy('name'));
}

export interface Period {
  readonly number: number;
  /** `07:45` */
  readonly begins: string;
  readonly ends: string;
}

export async function periods(database: Database): Promise<Period[]> {
  const all = await allOf(database, query.selectFrom('period').selectAll().orderBy('number'));
  return all.map(({ number, begins, ends }) => ({
    number,
    begins: begins.slice(0, 5),
    ends: ends.slice(0, 5),
  }));
}

/** A subject that a teacher teaches in a class: exams are written in these. */
export interface Course {
  readonly classId: number;
  readonly className: string;
  readonly subjectId: number;
  readonly subjectName: string;
}

export function coursesOf(database: Database, teacherId: number): Promise<Course[]> {
  const courses = query
    .selectFrom('lesson')
    .innerJoin('school_class', 'school_class.id', 'lesson.class_id')
    .innerJoin('subject', 'subject.id', 'lesson.subject_id')
    .select([
      'school_class.id as classId',
      'school_class.name as className',
      'subject.id as subjectId',
      'subject.name as subjectName',
    ])
    .distinct()
    .where('teacher_id', '=', teacherId)
    .orderBy('className')
    .orderBy('subjectName');
  return allOf(database, courses);
}
