import { expect, it } from 'vitest';
import { planTimetable } from './plan-timetable.ts';

const parts = {
  classes: [1, 2, 3, 4].map((id) => ({ id, subjects: [10, 11, 12] })),
  teachers: new Map([
    [10, [100, 101]],
    [11, [102]],
    [12, [103, 104]],
  ]),
  rooms: [1, 2, 3, 4, 5],
};

it('puts nobody and no room in two places at once', () => {
  const lessons = planTimetable(parts, (choices) => choices.toReversed());
  for (const who of ['classId', 'teacherId', 'roomId'] as const) {
    const slots = lessons.map((lesson) => `${lesson.weekday} ${lesson.first} ${lesson[who]}`);
    expect(new Set(slots).size).toBe(slots.length);
  }
  expect(lessons.length).toBeGreaterThan(40);
});
