/** A school year for a demonstration: the same year gives the same rows, on any day. */
import type { SchoolDb, Transaction } from '@schooldb/client';
import { faker } from '@faker-js/faker/locale/de';
import { allOf, firstOf, query } from '../database/query.ts';
import type { Role } from '../database/schema.ts';
import { hashPassword } from '../school/password.ts';
import { APPOINTMENTS, BRANCHES, PERIODS, ROOMS, SUBJECTS, WHOLE_SCHOOL } from './names.ts';
import { SlotPlan, schoolDays } from './slot-plan.ts';
import { planTimetable } from './plan-timetable.ts';
import type { PlannedLesson } from './plan-timetable.ts';

export interface SeedOptions {
  /** The calendar year in which the school year begins. */
  readonly year: number;
  /** Of every account. */
  readonly password: string;
}

export interface DemoAccount {
  readonly login: string;
  readonly role: Role;
  readonly name: string;
}

const SEED = 20_260_901;
const PUPILS_PER_CLASS = 22;
const TEACHERS_PER_SUBJECT = 2;

/** Fills an empty database, in one transaction. Does nothing where there is a school already. */
export async function seed(db: SchoolDb, { year, password }: SeedOptions): Promise<void> {
  // One hash for all: the password is the same, and each takes a third of a second.
  const passwordHash = await hashPassword(password);
  await db.transaction(async (transaction) => {
    if ((await firstOf(transaction, query.selectFrom('period').select('number').limit(1))) !== undefined)
      return;
    // Here, since a transaction may be run again.
    faker.seed(SEED);
    faker.setDefaultRefDate(`${year}-09-01T00:00:00Z`);
    const school = await addSchool(transaction);
    const lessons = await addTimetable(transaction, school);
    await addYear(transaction, school, lessons, schoolDays(year));
    await addAccounts(transaction, school, passwordHash);
  });
}

/** Those that the seed makes, for whoever wants to look around. */
export function demoAccounts(db: SchoolDb): Promise<DemoAccount[]> {
  return allOf(db, query.selectFrom('account').select(['login', 'role', 'name']).orderBy('id'));
}

interface School {
  readonly classes: readonly { readonly id: number; readonly subjects: readonly number[] }[];
  /** By subject. */
  readonly teachers: ReadonlyMap<number, readonly number[]>;
  readonly rooms: readonly number[];
  readonly people: { readonly pupils: readonly Person[]; readonly teachers: readonly Person[] };
}

interface Person {
  readonly id: number;
  readonly name: string;
}

async function addSchool(transaction: Transaction): Promise<School> {
  const periods = PERIODS.map(([begins, ends], index) => ({ number: index + 1, begins, ends }));
  await allOf(transaction, query.insertInto('period').values(periods));
  const subjects = await allOf(
    transaction,
    query
      .insertInto('subject')
      .values(SUBJECTS.map(([short, name]) => ({ short, name })))
      .returning(['id', 'short']),
  );
  const rooms = await allOf(
    transaction,
    query
      .insertInto('room')
      .values(ROOMS.map((name) => ({ name })))
      .returning('id'),
  );
  const teachers = await addTeachers(transaction, subjects.length * TEACHERS_PER_SUBJECT);
  const classes = await addClasses(transaction, subjects);
  return {
    classes,
    rooms: rooms.map(({ id }) => id),
    teachers: new Map(
      subjects.map(({ id }, index) => [
        id,
        teachers.filter((_, at) => at % subjects.length === index).map((teacher) => teacher.id),
      ]),
    ),
    people: {
      teachers,
      pupils: await addPupils(
        transaction,
        classes.map(({ id }) => id),
      ),
    },
  };
}

/** Without titles, which Faker adds now and then. */
function fullName(): string {
  return `${faker.person.firstName()} ${faker.person.lastName()}`;
}

function addTeachers(transaction: Transaction, count: number): Promise<Person[]> {
  const names = new Set<string>();
  while (names.size < count) names.add(faker.person.lastName());
  const rows = [...names].map((lastName, index) => ({
    short: `${lastName.slice(0, 3).toUpperCase()}${index + 1}`,
    name: `${faker.person.firstName()} ${lastName}`,
  }));
  return allOf(transaction, query.insertInto('teacher').values(rows).returning(['id', 'name']));
}

async function addClasses(
  transaction: Transaction,
  subjects: readonly { readonly id: number; readonly short: string }[],
): Promise<{ id: number; subjects: number[] }[]> {
  const all = BRANCHES.flatMap((branch) => branch.classes.map((name) => ({ name, shorts: branch.subjects })));
  const added = await allOf(
    transaction,
    query
      .insertInto('school_class')
      .values(all.map(({ name }) => ({ name })))
      .returning('id'),
  );
  return added.map(({ id }, index) => {
    const shorts: readonly string[] = all[index]?.shorts ?? [];
    return {
      id,
      subjects: subjects.filter(({ short }) => shorts.includes(short)).map((subject) => subject.id),
    };
  });
}

function addPupils(transaction: Transaction, classes: readonly number[]): Promise<Person[]> {
  const rows = classes.flatMap((class_id) =>
    Array.from({ length: PUPILS_PER_CLASS }, () => ({ class_id, name: fullName() })),
  );
  return allOf(transaction, query.insertInto('pupil').values(rows).returning(['id', 'name']));
}

async function addTimetable(transaction: Transaction, school: School): Promise<PlannedLesson[]> {
  const lessons = planTimetable(school, (choices) => faker.helpers.shuffle(choices));
  await allOf(
    transaction,
    query.insertInto('lesson').values(
      lessons.map((lesson) => ({
        weekday: lesson.weekday,
        first_period: lesson.first,
        last_period: lesson.last,
        class_id: lesson.classId,
        subject_id: lesson.subjectId,
        teacher_id: lesson.teacherId,
        room_id: lesson.roomId,
      })),
    ),
  );
  return lessons;
}

/** A year of exams, which are written in lessons, of appointments, and of substitutions. */
async function addYear(
  transaction: Transaction,
  school: School,
  lessons: readonly PlannedLesson[],
  days: readonly string[],
): Promise<void> {
  const plan = new SlotPlan(days, lessons);
  const exams = plan.pick(180, (lesson, day) => ({
    kind: 'exam' as const,
    title: `Klassenarbeit: ${faker.helpers.arrayElement(['Wiederholung', 'Thema der letzten Wochen', 'Projekt', 'Grundlagen'])}`,
    note: '',
    day,
    first_period: lesson.first,
    last_period: lesson.last,
    class_id: lesson.classId,
    subject_id: lesson.subjectId,
    teacher_id: lesson.teacherId,
    room_id: lesson.roomId,
  }));
  const appointments = plan.pick(220, (lesson, day) => ({
    kind: 'appointment' as const,
    title: faker.helpers.arrayElement(APPOINTMENTS),
    note: faker.helpers.maybe(() => 'Bitte pünktlich sein.', { probability: 0.3 }) ?? '',
    day,
    first_period: lesson.first,
    last_period: lesson.last,
    class_id: lesson.classId,
    teacher_id: lesson.teacherId,
    room_id: lesson.roomId,
  }));
  const wholeSchool = WHOLE_SCHOOL.map((title, index) => ({
    kind: 'appointment' as const,
    title,
    note: '',
    day: days[Math.floor(((index + 0.5) * days.length) / WHOLE_SCHOOL.length)] ?? '',
    first_period: 1,
    last_period: PERIODS.length,
  }));
  await allOf(transaction, query.insertInto('booking').values([...exams, ...appointments, ...wholeSchool]));

  const substitutions = plan.pick(120, (lesson, day) => ({ lesson, day }));
  const ids = await allOf(
    transaction,
    query.selectFrom('lesson').select(['id', 'class_id', 'weekday', 'first_period']),
  );
  const rows = substitutions.map(({ lesson, day }) => {
    const same = ids.find(
      ({ class_id, weekday, first_period }) =>
        class_id === lesson.classId && weekday === lesson.weekday && first_period === lesson.first,
    );
    const free = plan.freeTeachers([...school.teachers.values()].flat(), lesson, day);
    const isCancelled = free.length === 0 || faker.datatype.boolean({ probability: 0.3 });
    const teacherId = isCancelled ? null : faker.helpers.arrayElement(free);
    if (teacherId !== null) plan.occupy(teacherId, lesson, day);
    return {
      day,
      lesson_id: same?.id ?? 0,
      first_period: lesson.first,
      last_period: lesson.last,
      teacher_id: teacherId,
      note: isCancelled ? 'Aufgaben im Klassenordner' : '',
    };
  });
  await allOf(transaction, query.insertInto('substitution').values(rows));
}

async function addAccounts(
  transaction: Transaction,
  { people }: School,
  password_hash: string,
): Promise<void> {
  const secretaries = ['sekretariat', 'sekretariat2'].map((login) => ({
    login,
    role: 'secretary' as const,
    name: fullName(),
    password_hash,
  }));
  const teachers = people.teachers.slice(0, 6).map(({ id, name }, index) => ({
    login: `lehrkraft${index + 1}`,
    role: 'teacher' as const,
    name,
    password_hash,
    teacher_id: id,
  }));
  const pupils = people.pupils
    .filter((_, index) => index % PUPILS_PER_CLASS === 0)
    .map(({ id, name }, index) => ({
      login: `schueler${index + 1}`,
      role: 'pupil' as const,
      name,
      password_hash,
      pupil_id: id,
    }));
  await allOf(transaction, query.insertInto('account').values([...secretaries, ...teachers, ...pupils]));
}
