/** The school: who and what there is, the weekly timetable, and what happens once. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // For exclusion constraints over numbers and days. It is a trusted extension: the owner of the database may create it.
  await sql`CREATE EXTENSION IF NOT EXISTS btree_gist`.execute(db);

  for (const statement of [people, timetable, bookings, substitutions, accounts]) await statement.execute(db);
}

const people = sql`
  CREATE TABLE school_class (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
  CREATE TABLE subject (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    short text NOT NULL UNIQUE,
    name text NOT NULL
  );
  CREATE TABLE room (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
  CREATE TABLE teacher (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    short text NOT NULL UNIQUE,
    name text NOT NULL
  );
  CREATE TABLE pupil (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    class_id integer NOT NULL REFERENCES school_class
  );
  CREATE TABLE period (
    number integer PRIMARY KEY CHECK (number BETWEEN 1 AND 12),
    begins time NOT NULL,
    ends time NOT NULL CHECK (ends > begins)
  )`;

const timetable = sql`
  CREATE TABLE lesson (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    weekday integer NOT NULL CHECK (weekday BETWEEN 1 AND 5),
    first_period integer NOT NULL REFERENCES period,
    last_period integer NOT NULL REFERENCES period,
    class_id integer NOT NULL REFERENCES school_class,
    subject_id integer NOT NULL REFERENCES subject,
    teacher_id integer NOT NULL REFERENCES teacher,
    room_id integer NOT NULL REFERENCES room,
    CHECK (first_period <= last_period),
    -- For substitutions, which repeat these.
    UNIQUE (id, weekday, first_period, last_period),
    CONSTRAINT lesson_class_free EXCLUDE USING gist
      (class_id WITH =, weekday WITH =, int4range(first_period, last_period, '[]') WITH &&),
    CONSTRAINT lesson_teacher_free EXCLUDE USING gist
      (teacher_id WITH =, weekday WITH =, int4range(first_period, last_period, '[]') WITH &&),
    CONSTRAINT lesson_room_free EXCLUDE USING gist
      (room_id WITH =, weekday WITH =, int4range(first_period, last_period, '[]') WITH &&)
  )`;

const bookings = sql`
  CREATE TABLE booking (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('appointment', 'exam')),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    note text NOT NULL CHECK (length(note) <= 500),
    day date NOT NULL,
    first_period integer NOT NULL REFERENCES period,
    last_period integer NOT NULL REFERENCES period,
    class_id integer REFERENCES school_class,
    subject_id integer REFERENCES subject,
    teacher_id integer REFERENCES teacher,
    room_id integer REFERENCES room,
    version integer NOT NULL DEFAULT 1,
    changed_by integer,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK (first_period <= last_period),
    CHECK (kind <> 'exam' OR (class_id IS NOT NULL AND subject_id IS NOT NULL AND teacher_id IS NOT NULL)),
    -- Where there is none (null), nothing is excluded.
    CONSTRAINT booking_class_free EXCLUDE USING gist
      (class_id WITH =, day WITH =, int4range(first_period, last_period, '[]') WITH &&),
    CONSTRAINT booking_teacher_free EXCLUDE USING gist
      (teacher_id WITH =, day WITH =, int4range(first_period, last_period, '[]') WITH &&),
    CONSTRAINT booking_room_free EXCLUDE USING gist
      (room_id WITH =, day WITH =, int4range(first_period, last_period, '[]') WITH &&)
  );
  CREATE INDEX booking_by_day ON booking (kind, day)`;

const substitutions = sql`
  CREATE TABLE substitution (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day date NOT NULL,
    lesson_id integer NOT NULL,
    weekday integer NOT NULL GENERATED ALWAYS AS (extract(isodow FROM day)::integer) STORED,
    first_period integer NOT NULL,
    last_period integer NOT NULL,
    teacher_id integer REFERENCES teacher,
    room_id integer REFERENCES room,
    note text NOT NULL CHECK (length(note) <= 500),
    version integer NOT NULL DEFAULT 1,
    changed_by integer,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT substitution_of_lesson FOREIGN KEY (lesson_id, weekday, first_period, last_period)
      REFERENCES lesson (id, weekday, first_period, last_period),
    CONSTRAINT substitution_once UNIQUE (day, lesson_id),
    CONSTRAINT substitution_teacher_free EXCLUDE USING gist
      (teacher_id WITH =, day WITH =, int4range(first_period, last_period, '[]') WITH &&),
    CONSTRAINT substitution_room_free EXCLUDE USING gist
      (room_id WITH =, day WITH =, int4range(first_period, last_period, '[]') WITH &&)
  )`;

const accounts = sql`
  CREATE TABLE account (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text NOT NULL UNIQUE CHECK (login = lower(login)),
    password_hash text NOT NULL,
    role text NOT NULL CHECK (role IN ('pupil', 'teacher', 'secretary')),
    name text NOT NULL,
    pupil_id integer UNIQUE REFERENCES pupil,
    teacher_id integer UNIQUE REFERENCES teacher,
    CHECK ((role = 'pupil') = (pupil_id IS NOT NULL)),
    CHECK ((role = 'teacher') = (teacher_id IS NOT NULL))
  );
  ALTER TABLE booking ADD FOREIGN KEY (changed_by) REFERENCES account;
  ALTER TABLE substitution ADD FOREIGN KEY (changed_by) REFERENCES account;
  CREATE TABLE submission (
    account_id integer NOT NULL REFERENCES account,
    key uuid NOT NULL,
    path text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key)
  );
  CREATE INDEX submission_by_age ON submission (at)`;
