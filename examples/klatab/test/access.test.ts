/** Who may go where: every route there is, for each role and for nobody. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KlaTab, PATIENCE_MS } from '../crowd/klatab.ts';
import { Visitor, formIn } from '../crowd/visitor.ts';

const WHO = ['nobody', 'pupil', 'teacher', 'secretary'] as const;
type Who = (typeof WHO)[number];

/** What each of them gets: the page, the page for signing in, or no. In the order of WHO. */
type Answer = 'page' | 'sign in' | 'no';
const EVERYONE: readonly Answer[] = ['page', 'page', 'page', 'page'];
const SIGNED_IN: readonly Answer[] = ['sign in', 'page', 'page', 'page'];
const TEACHER: readonly Answer[] = ['sign in', 'no', 'page', 'no'];
const SECRETARY: readonly Answer[] = ['sign in', 'no', 'no', 'page'];

const TABLE: Readonly<Record<string, readonly Answer[]>> = {
  'GET /healthz': EVERYONE,
  'GET /readyz': EVERYONE,
  'GET /metrics': EVERYONE,
  'GET /anmelden': EVERYONE,
  'POST /anmelden': EVERYONE,
  'POST /abmelden': EVERYONE,
  'GET /': SIGNED_IN,
  'GET /live': SIGNED_IN,
  'GET /stundenplan': SIGNED_IN,
  'GET /termine': SIGNED_IN,
  'GET /termine/:id': SIGNED_IN,
  'GET /pruefungen': SIGNED_IN,
  'GET /pruefungen/:id': SIGNED_IN,
  'GET /vertretungen': SIGNED_IN,
  'GET /termine/neu': SECRETARY,
  'POST /termine/neu': SECRETARY,
  'GET /termine/:id/aendern': SECRETARY,
  'POST /termine/:id/aendern': SECRETARY,
  'POST /termine/:id/loeschen': SECRETARY,
  'GET /vertretungen/:id': SECRETARY,
  'GET /vertretungen/neu': SECRETARY,
  'POST /vertretungen/neu': SECRETARY,
  'GET /vertretungen/:id/aendern': SECRETARY,
  'POST /vertretungen/:id/aendern': SECRETARY,
  'POST /vertretungen/:id/loeschen': SECRETARY,
  'GET /pruefungen/neu': TEACHER,
  'POST /pruefungen/neu': TEACHER,
  'GET /pruefungen/:id/aendern': TEACHER,
  'POST /pruefungen/:id/aendern': TEACHER,
  'POST /pruefungen/:id/loeschen': TEACHER,
};

const LOGINS = { pupil: 'schueler1', teacher: 'lehrkraft1', secretary: 'sekretariat' } as const;

let klatab: KlaTab;
const visitors = new Map<Who, Visitor>();

beforeAll(async () => {
  klatab = await KlaTab.start({ replicas: 1 });
  for (const who of WHO) {
    const visitor = new Visitor(klatab.address);
    if (who !== 'nobody') await visitor.signIn(LOGINS[who]);
    visitors.set(who, visitor);
  }
}, PATIENCE_MS);
afterAll(() => klatab[Symbol.asyncDispose](), PATIENCE_MS);

function visitor(who: Who): Visitor {
  const found = visitors.get(who);
  if (found === undefined) throw new Error(`nobody is signed in as ${who}`);
  return found;
}

it('the table names every route there is, and no other', () => {
  const routes = klatab.app.guardedRoutes
    .filter(({ method, path }) => method !== 'HEAD' && !path.startsWith('/assets/'))
    .map(({ method, path }) => `${method} ${path}`);
  expect(routes.toSorted()).toEqual(Object.keys(TABLE).toSorted());
});

describe.each(Object.entries(TABLE))('%s', (route, answers) => {
  it.each(WHO.map((who, index) => [who, answers[index]] as const))('%s gets: %s', async (who, answer) => {
    const [method = '', pattern = ''] = route.split(' ');
    const path = pattern.replace(':id', '999999');
    // Whoever is let in with a POST is told that it is no form of ours, which is another page than that of no access.
    const response = await visitor(who).request(path, { method, signal: AbortSignal.timeout(PATIENCE_MS) });
    expect(await answerIn(response)).toBe(answer);
  });
});

async function answerIn(response: Response): Promise<Answer> {
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    await response.body?.cancel();
    return 'page';
  }
  const text = await response.text();
  if (response.status === 303 && response.headers.get('location')?.startsWith('/anmelden') === true)
    return 'sign in';
  return response.status === 403 && text.includes('<h1>Kein Zugriff</h1>') ? 'no' : 'page';
}

it('/metrics says how much memory the process needs', async () => {
  const text = await (await visitor('nobody').request('/metrics')).text();
  const bytes = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
  const heap = bytes('nodejs_heap_size_used_bytes');
  expect(heap).toBeGreaterThan(0);
  expect(bytes('nodejs_external_memory_bytes')).toBeGreaterThan(0);
  expect(bytes('process_resident_memory_bytes')).toBeGreaterThan(heap);
});

it('a pupil sees neither the appointments nor the exams of another class', async () => {
  const pupil = visitor('pupil');
  const { rows } = await klatab.db.query<{ id: number; kind: string }>(
    `SELECT DISTINCT ON (kind) id, kind FROM booking
     WHERE class_id <> (SELECT class_id FROM pupil JOIN account ON pupil.id = pupil_id WHERE login = 'schueler1')`,
  );
  expect(rows.map(({ kind }) => kind).toSorted()).toEqual(['appointment', 'exam']);
  for (const { id, kind } of rows) {
    const path = kind === 'exam' ? '/pruefungen' : '/termine';
    expect((await pupil.open(`${path}/${id}`)).status).toBe(404);
    expect((await visitor('secretary').open(`${path}/${id}`)).status).toBe(200);
  }
});

it("a teacher can't change another one's exam, nor enter one where he does not teach", async () => {
  const teacher = visitor('teacher');
  const { rows } = await klatab.db.query<{ id: number; own: boolean; version: number }>(
    `SELECT DISTINCT ON (own) booking.id, version, teacher_id = own_id AS own
     FROM booking, (SELECT teacher_id AS own_id FROM account WHERE login = 'lehrkraft1') AS account,
       LATERAL (SELECT teacher_id = own_id AS own) AS who
     WHERE kind = 'exam' AND day > '2026-11-25'`,
  );
  const own = rows.find((row) => row.own);
  const foreign = rows.find((row) => !row.own);
  if (own === undefined || foreign === undefined) throw new Error('the seed has both');
  expect((await teacher.open(`/pruefungen/${foreign.id}/aendern`)).status).toBe(404);

  const form = formIn(await teacher.open(`/pruefungen/${own.id}/aendern`), `/pruefungen/${own.id}/aendern`);
  const smuggled = await teacher.submit({ ...form, action: `/pruefungen/${foreign.id}/aendern` });
  expect(smuggled.status).toBe(404);
  const deleted = await teacher.submit({ ...form, action: `/pruefungen/${foreign.id}/loeschen` });
  expect(deleted.status).toBe(404);

  const elsewhere = await klatab.db.query<{ course: string }>(
    `SELECT class_id || '-' || subject_id AS course FROM lesson
     EXCEPT SELECT class_id || '-' || subject_id FROM lesson JOIN account USING (teacher_id) WHERE login = 'lehrkraft1'
     LIMIT 1`,
  );
  const refused = await teacher.submit(form, { course: elsewhere.rows[0]?.course ?? '' });
  expect(refused.status).toBe(422);
  expect(refused.text).toContain('Dieses Fach unterrichten Sie in dieser Klasse nicht.');
});
