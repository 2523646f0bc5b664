/** A weekly timetable without collisions: double lessons, dealt out class by class. */

export interface PlannedLesson {
  readonly weekday: number;
  readonly first: number;
  readonly last: number;
  readonly classId: number;
  readonly subjectId: number;
  readonly teacherId: number;
  readonly roomId: number;
}

export interface TimetableParts {
  readonly classes: readonly { readonly id: number; readonly subjects: readonly number[] }[];
  readonly teachers: ReadonlyMap<number, readonly number[]>;
  readonly rooms: readonly number[];
}

const DOUBLE_LESSONS = [1, 3, 5, 7];

/** @param shuffle - the only chance in it. */
export function planTimetable(
  { classes, teachers, rooms }: TimetableParts,
  shuffle: <T>(choices: readonly T[]) => T[],
): PlannedLesson[] {
  const lessons: PlannedLesson[] = [];
  const given = new Map<string, number>();
  for (const weekday of [1, 2, 3, 4, 5]) {
    for (const first of DOUBLE_LESSONS) {
      const busy = new Set<number>();
      for (const [index, { id: classId, subjects }] of classes.entries()) {
        // Friday ends early, and nobody stays until four every day.
        if (first === 7 && (weekday === 5 || (index + weekday) % 2 === 0)) continue;
        const count = (subjectId: number) => given.get(`${classId} ${subjectId}`) ?? 0;
        const course = shuffle(subjects)
          .toSorted((a, b) => count(a) - count(b))
          .map((subjectId) => ({ subjectId, teacherId: teacherOf(teachers.get(subjectId) ?? [], classId) }))
          .find(({ teacherId }) => teacherId !== undefined && !busy.has(teacherId));
        const roomId = rooms[index];
        if (course?.teacherId === undefined || roomId === undefined) continue;
        const { subjectId, teacherId } = course;
        busy.add(teacherId);
        given.set(`${classId} ${subjectId}`, count(subjectId) + 1);
        lessons.push({ weekday, first, last: first + 1, classId, subjectId, teacherId, roomId });
      }
    }
  }
  return lessons;
}

/** A class has the same teacher in a subject all week. */
function teacherOf(teachers: readonly number[], classId: number): number | undefined {
  return teachers[classId % teachers.length];
}
