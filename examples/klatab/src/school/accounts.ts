import { firstOf, query } from '../database/query.ts';
import type { Database } from '../database/query.ts';
import { verifyPassword } from './password.ts';

/** Who is signed in: one of three, each with what belongs to the role. */
export type Account = { readonly id: number; readonly name: string } & (
  | { readonly role: 'pupil'; readonly classId: number }
  | { readonly role: 'teacher'; readonly teacherId: number }
  | { readonly role: 'secretary' }
);

export async function findAccount(database: Database, id: number): Promise<Account | undefined> {
  const found = await firstOf(database, accounts().where('account.id', '=', id));
  return found && accountOf(found);
}

/** @returns undefined where the login does not exist or the password is wrong: nobody is told which. */
export async function signIn(
  database: Database,
  login: string,
  password: string,
): Promise<Account | undefined> {
  const found = await firstOf(database, accounts().where('login', '=', login.toLowerCase()));
  const isRight = await verifyPassword(password, found?.password_hash);
  return isRight && found !== undefined ? accountOf(found) : undefined;
}

function accounts() {
  return query
    .selectFrom('account')
    .leftJoin('pupil', 'pupil.id', 'account.pupil_id')
    .select(['account.id', 'account.name', 'role', 'teacher_id', 'password_hash', 'pupil.class_id']);
}

type AccountRow = Awaited<ReturnType<ReturnType<typeof accounts>['executeTakeFirstOrThrow']>>;

function accountOf({ id, name, role, teacher_id, class_id }: AccountRow): Account {
  if (role === 'pupil' && class_id !== null) return { id, name, role, classId: class_id };
  if (role === 'teacher' && teacher_id !== null) return { id, name, role, teacherId: teacher_id };
  if (role === 'secretary') return { id, name, role };
  throw new Error(`account ${id} lacks what belongs to its role`);
}
