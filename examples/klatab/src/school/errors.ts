/** Somebody else has saved since the form was opened. */
export class VersionConflictError extends Error {
  override readonly name = 'VersionConflictError';
}

/** It is not there (any more), or not for this account to see: nobody is told which. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

/** A field of a form says what can't be. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

/** What the constraints of the database say, for people. */
const TAKEN: Readonly<Record<string, { readonly field: string; readonly message: string }>> = {
  booking_class_free: { field: 'classId', message: 'Die Klasse hat in diesen Stunden schon einen Termin.' },
  booking_teacher_free: {
    field: 'teacherId',
    message: 'Die Lehrkraft ist in diesen Stunden schon verplant.',
  },
  booking_room_free: { field: 'roomId', message: 'Der Raum ist in diesen Stunden schon belegt.' },
  substitution_once: {
    field: 'lessonId',
    message: 'Für diese Stunde gibt es an diesem Tag schon eine Vertretung.',
  },
  substitution_of_lesson: { field: 'lessonId', message: 'An diesem Tag findet diese Stunde nicht statt.' },
  substitution_teacher_free: {
    field: 'teacherId',
    message: 'Die Lehrkraft vertritt in diesen Stunden schon.',
  },
  substitution_room_free: { field: 'roomId', message: 'Der Raum ist in diesen Stunden schon belegt.' },
};

/** @returns what is wrong with a field, as told by us or by a constraint; undefined where it is about none. */
export function fieldErrorIn(
  error: unknown,
): { readonly field: string; readonly message: string } | undefined {
  if (error instanceof FieldError) return error;
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  // exclusion_violation, unique_violation, foreign_key_violation
  const isTaken = code === '23P01' || code === '23505' || code === '23503';
  return isTaken && typeof constraint === 'string' ? TAKEN[constraint] : undefined;
}
