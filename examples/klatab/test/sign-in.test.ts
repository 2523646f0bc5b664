import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashPassword, verifyPassword } from '../src/school/password.ts';
import { KlaTab, PASSWORD, PATIENCE_MS } from '../crowd/klatab.ts';
import { Visitor, formIn } from '../crowd/visitor.ts';

let klatab: KlaTab;

beforeAll(async () => {
  klatab = await KlaTab.start({ replicas: 1 }, { secureCookies: true });
}, PATIENCE_MS);
afterAll(() => klatab[Symbol.asyncDispose](), PATIENCE_MS);

it('passwords are kept as salted hashes', async () => {
  const { rows } = await klatab.db.query<{ hash: string }>(
    'SELECT password_hash AS hash FROM account LIMIT 1',
  );
  expect(rows[0]?.hash).toMatch(/^scrypt\$32768\$8\$3\$/);
  const [one, other] = await Promise.all([hashPassword('geheim'), hashPassword('geheim')]);
  expect(one).not.toBe(other);
  expect(await verifyPassword('geheim', one)).toBe(true);
  expect(await verifyPassword('Geheim', one)).toBe(false);
  expect(await verifyPassword('', undefined)).toBe(false);
});

it('who signs in comes to the page that was asked for, and to no other site', async () => {
  const visitor = new Visitor(klatab.address);
  const asked = await visitor.open('/termine?ab=2026-12-01');
  expect(asked.path).toBe('/anmelden?zurueck=%2Ftermine%3Fab%3D2026-12-01');
  const form = formIn(asked, '/anmelden');
  const signedIn = await visitor.submit(form, { login: 'Schueler1', password: PASSWORD });
  expect(signedIn.path).toBe('/termine?ab=2026-12-01');
  for (const back of ['//evil.example/', 'https://evil.example/', '/\\evil.example', 'javascript:alert(1)']) {
    const elsewhere = await visitor.submit(form, { login: 'schueler1', password: PASSWORD, back });
    expect(elsewhere.path).toBe('/stundenplan');
  }
});

it('a wrong password and a login that does not exist are told apart by nobody', async () => {
  const visitor = new Visitor(klatab.address);
  const wrong = await visitor.signIn('schueler2', 'falsch');
  const nobody = await visitor.signIn('niemand', 'falsch');
  for (const answer of [wrong, nobody]) {
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('Anmeldename oder Passwort stimmt nicht.');
  }
});

it('guessing is slowed down for one login, however it is spelt, and nobody else is kept out', async () => {
  const guesser = new Visitor(klatab.address);
  const spellings = ['schueler3', ' schueler3', 'Schueler3'];
  const answers: number[] = [];
  for (let guess = 0; guess < 11; guess += 1)
    answers.push((await guesser.signIn(spellings[guess % 3] ?? '', `Versuch ${guess}`)).status);
  expect(answers.slice(0, 10)).toEqual(Array(10).fill(422));
  expect(answers.at(-1)).toBe(429);
  expect((await new Visitor(klatab.address).signIn('schueler4')).status).toBe(200);
});

it('cookies are signed, out of reach of scripts, and go over HTTPS alone', async () => {
  const visitor = new Visitor(klatab.address);
  const form = formIn(await visitor.open('/anmelden'), '/anmelden');
  const response = await visitor.request('/anmelden', {
    method: 'POST',
    body: new URLSearchParams({ ...form.fields, login: 'schueler1', password: PASSWORD }),
  });
  const [cookie = ''] = response.headers.getSetCookie().filter((line) => line.startsWith('klatab='));
  for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/'])
    expect(cookie).toContain(attribute);
  expect(response.headers.get('strict-transport-security')).toMatch(/max-age=\d{7,}/);

  const value = /^klatab=([^;]*)/.exec(cookie)?.[1] ?? '';
  const ask = (forged: string) =>
    fetch(`${klatab.address}/termine`, { redirect: 'manual', headers: { cookie: `klatab=${forged}` } });
  expect((await ask(value)).status).toBe(200);
  expect((await ask(value.replace(/^\d+/, '1'))).status).toBe(303);
  expect((await ask('1.99999999999999')).status).toBe(303);
});

it('signing out ends it', async () => {
  const visitor = new Visitor(klatab.address);
  const page = await visitor.signIn('schueler1');
  expect((await visitor.submit(formIn(page, '/abmelden'))).path).toBe('/anmelden');
  expect((await visitor.open('/termine')).title).toBe('Anmelden');
});
