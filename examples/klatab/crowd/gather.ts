import type { Browser } from 'playwright-core';
import { coursesOf } from '../src/school/directory.ts';
import { BrowserPerson } from './browser-person.ts';
import type { Member } from './crowd.ts';
import { HttpPerson } from './http-person.ts';
import type { KlaTab } from './klatab.ts';
import type { Person } from './person.ts';

export interface Size {
  /** In all. */
  readonly people: number;
  /** Of these with a browser; the others do what a browser does. */
  readonly browsers: number;
}

/** Signing in costs a third of a second of a core each. */
const AT_A_TIME = 4;
const TEACHERS = 6;
const PUPILS = 12;

/** Signs in a school's usual mixture: of a dozen one works in the office, one teaches, and the others learn. */
export async function gather(
  klatab: Pick<KlaTab, 'address' | 'db'>,
  browser: Browser,
  { people, browsers }: Size,
): Promise<Member[]> {
  const members: Member[] = [];
  for (let first = 0; first < people; first += AT_A_TIME) {
    const group = Array.from({ length: Math.min(AT_A_TIME, people - first) }, (_, at) => first + at);
    members.push(
      ...(await Promise.all(
        group.map((index) => {
          const signIn = (login: string): Promise<Person> =>
            index < browsers
              ? BrowserPerson.signIn(browser, klatab.address, login)
              : HttpPerson.signIn(klatab.address, login);
          return member(klatab, index, signIn);
        }),
      )),
    );
  }
  return members;
}

async function member(
  { db }: Pick<KlaTab, 'db'>,
  index: number,
  signIn: (login: string) => Promise<Person>,
): Promise<Member> {
  const turn = Math.floor(index / 12);
  if (index % 12 === 0)
    return { role: 'secretary', person: await signIn(turn % 2 === 0 ? 'sekretariat' : 'sekretariat2') };
  if (index % 12 !== 1) return { role: 'pupil', person: await signIn(`schueler${(index % PUPILS) + 1}`) };
  const login = `lehrkraft${(turn % TEACHERS) + 1}`;
  const { rows } = await db.query<{ teacher: number }>(
    'SELECT teacher_id AS teacher FROM account WHERE login = $1',
    [login],
  );
  const [course] = await coursesOf(db, rows[0]?.teacher ?? 0);
  if (course === undefined) throw new Error(`${login} teaches nothing`);
  return { role: 'teacher', course: `${course.classId}-${course.subjectId}`, person: await signIn(login) };
}
