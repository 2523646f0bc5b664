/** The tables as Kysely knows them; `migrations/` makes them. */
import type { ColumnType, Generated, GeneratedAlways } from 'kysely';

export type Role = 'pupil' | 'teacher' | 'secretary';
export type BookingKind = 'appointment' | 'exam';

/**
 * A calendar day, compared with and written as `2026-11-25`. Read it with `day()`: pg makes a Date of it otherwise, which
 * has a time of day and a time zone.
 */
type Day = ColumnType<Date | string, string, string>;

export interface KlaTab {
  school_class: { id: GeneratedAlways<number>; name: string };
  subject: { id: GeneratedAlways<number>; short: string; name: string };
  room: { id: GeneratedAlways<number>; name: string };
  teacher: { id: GeneratedAlways<number>; short: string; name: string };
  pupil: { id: GeneratedAlways<number>; name: string; class_id: number };
  /** The hours of a school day: the first one is 1. */
  period: { number: number; begins: string; ends: string };
  /** What happens every week. */
  lesson: {
    id: GeneratedAlways<number>;
    /** Monday is 1. */
    weekday: number;
    first_period: number;
    last_period: number;
    class_id: number;
    subject_id: number;
    teacher_id: number;
    room_id: number;
  };
  /** What happens once: appointments, and exams. */
  booking: {
    id: GeneratedAlways<number>;
    kind: BookingKind;
    title: string;
    note: string;
    day: Day;
    first_period: number;
    last_period: number;
    /** Null: the whole school. */
    class_id: number | null;
    subject_id: number | null;
    teacher_id: number | null;
    room_id: number | null;
  } & Versioned;
  /** A lesson that is different on one day. */
  substitution: {
    id: GeneratedAlways<number>;
    day: Day;
    lesson_id: number;
    /** Those of the lesson: a foreign key holds them to it. */
    first_period: number;
    last_period: number;
    /** Null: the lesson is cancelled. */
    teacher_id: number | null;
    room_id: number | null;
    note: string;
  } & Versioned;
  account: {
    id: GeneratedAlways<number>;
    login: string;
    password_hash: string;
    role: Role;
    name: string;
    pupil_id: number | null;
    teacher_id: number | null;
  };
  /** Forms that have been dealt with: the same form sent again leads to what it has made. */
  submission: { account_id: number; key: string; path: string; at: Generated<Date> };
}

interface Versioned {
  /** One higher with each change: who saves must have seen the newest. */
  version: Generated<number>;
  changed_by: number | null;
  changed_at: Generated<Date>;
}
