/** What forms do: once, not over each other, and nothing that should not be. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KlaTab, PATIENCE_MS } from '../crowd/klatab.ts';
import { Visitor, formIn } from '../crowd/visitor.ts';
import type { Form, Visited } from '../crowd/visitor.ts';

let klatab: KlaTab;
let secretary: Visitor;
let colleague: Visitor;

beforeAll(async () => {
  klatab = await KlaTab.start({ replicas: 1 });
  secretary = new Visitor(klatab.address);
  colleague = new Visitor(klatab.address);
  await secretary.signIn('sekretariat');
  await colleague.signIn('sekretariat2');
}, PATIENCE_MS);
afterAll(() => klatab[Symbol.asyncDispose](), PATIENCE_MS);

/** A day for each test, on which nothing else happens. */
let week = 0;
function freeDay(): string {
  week += 1;
  return new Date(Date.UTC(2027, 7, 2 + 7 * week)).toISOString().slice(0, 10);
}

async function newForm(visitor = secretary): Promise<Form> {
  return formIn(await visitor.open('/termine/neu'), '/termine/neu');
}

function appointment(title: string, day = freeDay()) {
  return { title, day, first: '1', last: '2' };
}

async function count(title: string): Promise<number> {
  const { rows } = await klatab.db.query<{ n: number }>(
    'SELECT count(*)::integer AS n FROM booking WHERE title = $1',
    [title],
  );
  return rows[0]?.n ?? 0;
}

/** Enters one and opens its form. */
async function entered(title: string, more: Record<string, string> = {}): Promise<string> {
  const { path } = await secretary.submit(await newForm(), { ...appointment(title), ...more });
  return path.split('?')[0] ?? '';
}

async function changeForm(visitor: Visitor, path: string): Promise<Form> {
  return formIn(await visitor.open(`${path}/aendern`), `${path}/aendern`);
}

it('an appointment is entered, shown, listed, changed and deleted', async () => {
  const shown = await secretary.submit(await newForm(), appointment('Elternabend im Test', '2026-11-26'));
  expect(shown).toMatchObject({ status: 200, title: 'Elternabend im Test' });
  expect(shown.text).toContain('Gespeichert.');
  expect((await secretary.open('/termine')).text).toContain('Elternabend im Test');

  const path = shown.path.split('?')[0] ?? '';
  const changed = await secretary.submit(await changeForm(secretary, path), { note: 'Aula' });
  expect(changed.text).toMatch(/Gespeichert\.[^]*Aula/);
  const gone = await secretary.submit(formIn(changed, `${path}/loeschen`));
  expect(gone.text).toContain('Gelöscht.');
  expect(gone.text).not.toContain('Elternabend im Test');
  expect((await secretary.open(path)).status).toBe(404);
});

it('a form that is sent twice at the same moment is dealt with once', async () => {
  const form = await newForm();
  const values = appointment('Doppelklick');
  const shown = await Promise.all([1, 2, 3].map(() => secretary.submit(form, values)));
  expect(new Set(shown.map(({ path }) => path)).size).toBe(1);
  expect(shown.map(({ title }) => title)).toEqual(['Doppelklick', 'Doppelklick', 'Doppelklick']);
  expect(await count('Doppelklick')).toBe(1);
});

it('a form that is sent again later leads to what it has made, though it was changed since', async () => {
  const form = await newForm();
  const first = await secretary.submit(form, appointment('Zurück-Knopf'));
  const again = await secretary.submit(form, appointment('Zurück-Knopf, mit anderem Titel'));
  expect(again.path).toBe(first.path);
  expect(await count('Zurück-Knopf, mit anderem Titel')).toBe(0);
});

it("nobody's form is taken for somebody else's, though it has the same key", async () => {
  const form = await newForm();
  await secretary.submit(form, appointment('Schlüssel'));
  const other = { ...(await newForm(colleague)).fields, key: form.fields['key'] ?? '' };
  const theirs = await colleague.submit({ ...form, fields: other }, appointment('Derselbe Schlüssel'));
  expect(theirs.title).toBe('Derselbe Schlüssel');
});

it('a change that is sent again does not conflict with itself', async () => {
  const path = await entered('Zweimal geändert');
  const form = await changeForm(secretary, path);
  const [one, two] = await Promise.all([
    secretary.submit(form, { note: 'einmal' }),
    secretary.submit(form, { note: 'einmal' }),
  ]);
  expect([one?.status, two?.status]).toEqual([200, 200]);
});

it('two changes of the same appointment are shown side by side and can be saved together', async () => {
  const path = await entered('Zusammen', { note: 'alt' });
  const mine = await changeForm(secretary, path);
  const theirs = await changeForm(colleague, path);
  await colleague.submit(theirs, { title: 'Zusammen, neu', note: 'von nebenan' });

  const merging = await secretary.submit(mine, { note: 'von mir', last: '3' });
  expect(merging.status).toBe(409);
  expect(merging.text).toMatch(/inzwischen geändert: von .+ um .+ Uhr/s);
  expect(merging.text).toMatch(
    /Titel<\/th>\s*<td>Zusammen<\/td>\s*<td>Zusammen, neu<\/td>\s*<td>Zusammen<\/td>/,
  );
  expect(merging.text).toMatch(
    /Hinweis \(beide geändert\)<\/th>\s*<td>alt<\/td>\s*<td>von nebenan<\/td>\s*<td>von mir/,
  );

  const merged = await secretary.submit(formIn(merging, `${path}/aendern`));
  expect(merged).toMatchObject({ status: 200, title: 'Zusammen, neu' });
  expect(merged.text).toMatch(/1\.–3\. Stunde[^]*von mir/);
});

it('what somebody has deleted meanwhile is not brought back by a change', async () => {
  const path = await entered('Weg');
  const mine = await changeForm(secretary, path);
  await colleague.submit(formIn(await colleague.open(path), `${path}/loeschen`));
  const refused = await secretary.submit(mine, { note: 'noch da?' });
  expect(refused.status).toBe(404);
  expect(await count('Weg')).toBe(0);
});

it('what somebody has changed meanwhile is looked at again before it is deleted', async () => {
  const path = await entered('Vorsicht');
  const mine = formIn(await secretary.open(path), `${path}/loeschen`);
  await colleague.submit(await changeForm(colleague, path), { note: 'wichtig' });
  const refused = await secretary.submit(mine);
  expect(refused.text).toMatch(/inzwischen geändert[^]*wichtig/);
  expect(await count('Vorsicht')).toBe(1);
});

it.each([
  ['roomId', 'Der Raum ist in diesen Stunden schon belegt.'],
  ['teacherId', 'Die Lehrkraft ist in diesen Stunden schon verplant.'],
  ['classId', 'Die Klasse hat in diesen Stunden schon einen Termin.'],
])('no %s is twice in a slot', async (field, message) => {
  const day = freeDay();
  await secretary.submit(await newForm(), {
    ...appointment(`belegt: ${field}`, day),
    [field]: '1',
    last: '3',
  });
  const refused = await secretary.submit(await newForm(), {
    ...appointment('kommt nicht zustande', day),
    [field]: '1',
    first: '3',
    last: '4',
  });
  expect(refused.status).toBe(422);
  expect(refused.text).toContain(message);
  // What was typed is still there, and the form is the same one.
  expect(formIn(refused, '/termine/neu').fields['title']).toBe('kommt nicht zustande');
  const beside = await secretary.submit(formIn(refused, '/termine/neu'), {
    first: '4',
    title: `daneben: ${field}`,
  });
  expect(beside).toMatchObject({ status: 200, title: `daneben: ${field}` });
});

it('of many at the same moment who want the same room one gets it', async () => {
  const day = freeDay();
  const forms = await Promise.all(Array.from({ length: 6 }, () => newForm()));
  const answers = await Promise.all(
    forms.map((form, index) =>
      secretary.submit(form, { ...appointment(`Raum für ${index}`, day), roomId: '2' }),
    ),
  );
  const statuses = answers.map(({ status }) => status);
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 422, 422, 422, 422, 422]);
});

it.each([
  ['no title', { title: ' ' }, 'Bitte einen Titel angeben.'],
  ['a title that is too long', { title: 'x'.repeat(121) }, 'Höchstens 120 Zeichen, bitte.'],
  ['a day that does not exist', { day: '2026-02-30' }, 'Bitte einen Tag wählen.'],
  ['a Sunday', { day: '2026-11-29' }, 'Am Wochenende ist keine Schule.'],
  ['the end before the beginning', { first: '3', last: '2' }, 'Die letzte Stunde liegt vor der ersten.'],
])('%s is refused with a word on it', async (_, values, message) => {
  const refused = await secretary.submit(await newForm(), { ...appointment('geht nicht'), ...values });
  expect(refused.status).toBe(422);
  expect(refused.text).toContain(message);
  expect(refused.text).toContain('aria-invalid="true"');
});

it('what people type is shown as it is, and does nothing', async () => {
  const nasty = `<script>alert(1)</script>"' onfocus=x'); DROP TABLE booking; --`;
  const shown = await secretary.submit(await newForm(), { ...appointment(nasty), note: nasty });
  expect(shown.status).toBe(200);
  expect(shown.text).not.toContain('<script>alert');
  const form = await changeForm(secretary, shown.path.split('?')[0] ?? '');
  expect(form.fields['title']).toBe(nasty);
});

it('a form without its token, or with that of somebody else, is refused', async () => {
  const form = await newForm();
  const stranger = formIn(await new Visitor(klatab.address).open('/anmelden'), '/anmelden');
  const { _csrf: own, ...without } = form.fields;
  expect(own).toMatch(/^.{20,}$/);
  for (const fields of [without, { ...without, _csrf: stranger.fields['_csrf'] ?? '' }]) {
    const refused = await secretary.submit({ ...form, fields }, appointment('fremd'));
    expect(refused).toMatchObject({ status: 403, title: 'Seite abgelaufen' });
  }
  expect(await count('fremd')).toBe(0);
});

it('a substitution is entered for a lesson of that day, once', async () => {
  const add = async (values: Record<string, string>): Promise<Visited> => {
    const page = await secretary.open('/vertretungen/neu?day=2027-06-28');
    return secretary.submit(formIn(page, '/vertretungen/neu'), values);
  };
  const { rows } = await klatab.db.query<{ id: number; weekday: number }>(
    'SELECT DISTINCT ON (weekday) id, weekday FROM lesson WHERE weekday <= 2 ORDER BY weekday, id DESC',
  );
  const [monday, tuesday] = rows.map(({ id }) => String(id));
  const shown = await add({ lessonId: monday ?? '', teacherId: '3' });
  expect(shown).toMatchObject({ status: 200, title: expect.stringContaining('28.06.2027') as unknown });
  expect((await add({ lessonId: monday ?? '', teacherId: '4' })).text).toContain(
    'Für diese Stunde gibt es an diesem Tag schon eine Vertretung.',
  );
  expect((await add({ lessonId: tuesday ?? '' })).text).toContain(
    'An diesem Tag findet diese Stunde nicht statt.',
  );
});

it('a teacher enters an exam of a class of his own, and its pupils see it', async () => {
  const teacher = new Visitor(klatab.address);
  await teacher.signIn('lehrkraft1');
  const page = await teacher.open('/pruefungen/neu');
  const course = /<option value="(\d+-\d+)"/.exec(page.text)?.[1] ?? '';
  const shown = await teacher.submit(formIn(page, '/pruefungen/neu'), {
    ...appointment('Bruchrechnung'),
    course,
  });
  expect(shown).toMatchObject({ status: 200, title: 'Bruchrechnung' });
  expect(shown.text).toContain('Prüfung ändern');
});
