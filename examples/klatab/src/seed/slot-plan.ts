import { faker } from '@faker-js/faker/locale/de';
import { addDays, weekdayOf } from '../school/calendar.ts';
import type { PlannedLesson } from './plan-timetable.ts';

/** Every school day from the last Monday of August to mid-July, without the two weeks around Christmas. */
export function schoolDays(year: number): string[] {
  const days: string[] = [];
  for (let day = `${year}-08-25`; day < `${year + 1}-07-16`; day = addDays(day, 1)) {
    const isChristmas = day >= `${year}-12-21` && day <= `${year + 1}-01-06`;
    if (weekdayOf(day) <= 5 && !isChristmas) days.push(day);
  }
  return days;
}

/** Deals out lessons of single days so that nobody and no room is dealt twice. */
export class SlotPlan {
  readonly #days: readonly string[];
  readonly #lessons: readonly PlannedLesson[];
  readonly #taken = new Set<string>();
  readonly #busy = new Set<string>();

  constructor(days: readonly string[], lessons: readonly PlannedLesson[]) {
    this.#days = days;
    this.#lessons = lessons;
  }

  pick<T>(count: number, make: (lesson: PlannedLesson, day: string) => T): T[] {
    const picked: T[] = [];
    while (picked.length < count) {
      const lesson = faker.helpers.arrayElement(this.#lessons);
      const day = faker.helpers.arrayElement(this.#days);
      if (weekdayOf(day) !== lesson.weekday) continue;
      // A lesson has its own class, teacher and room to itself: who has the lesson has all three.
      const slot = `${day} ${lesson.first} ${lesson.classId}`;
      if (this.#taken.has(slot)) continue;
      this.#taken.add(slot);
      picked.push(make(lesson, day));
    }
    return picked;
  }

  /** Teachers who have neither a lesson nor a substitution then. */
  freeTeachers(teachers: readonly number[], { first }: PlannedLesson, day: string): number[] {
    const weekday = weekdayOf(day);
    const teaching = new Set(
      this.#lessons
        .filter((lesson) => lesson.weekday === weekday && lesson.first === first)
        .map(({ teacherId }) => teacherId),
    );
    return teachers.filter((id) => !teaching.has(id) && !this.#busy.has(`${day} ${first} ${id}`));
  }

  occupy(teacherId: number, { first }: PlannedLesson, day: string): void {
    this.#busy.add(`${day} ${first} ${teacherId}`);
  }
}
