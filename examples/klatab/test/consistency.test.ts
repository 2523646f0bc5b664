/** What users see of what was saved: by themselves, at another process, and when the answer to COMMIT is lost. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { KlaTab, PATIENCE_MS } from '../crowd/klatab.ts';
import { Visitor, formIn } from '../crowd/visitor.ts';

/** Longer than any test takes. */
const LAG_MS = 600_000;

let klatab: KlaTab;
let other: Awaited<ReturnType<KlaTab['another']>>;

beforeAll(async () => {
  klatab = await KlaTab.start({ replicas: 1, terminateTls: true });
  other = await klatab.another();
}, PATIENCE_MS);
afterEach(() => klatab.cluster.undoAllFaults());
afterAll(async () => {
  await other?.close();
  await klatab?.[Symbol.asyncDispose]();
}, PATIENCE_MS);

async function signedIn(login: string, address = klatab.address): Promise<Visitor> {
  const visitor = new Visitor(address);
  expect((await visitor.signIn(login)).status).toBe(200);
  return visitor;
}

async function save(visitor: Visitor, title: string, day: string) {
  const form = formIn(await visitor.open('/termine/neu'), '/termine/neu');
  return visitor.submit(form, { title, day, first: '1', last: '2' });
}

it('the cookie takes along what its user has written, to a process whose replica lags', async () => {
  const secretary = await signedIn('sekretariat');
  const pupil = await signedIn('schueler1', other.address);
  // Whoever is told of changes reads from the primary next: here nobody listens, and reads have come back to the replica.
  other.app.live.close();
  await vi.waitFor(async () => {
    const { rows } = await other.db.read('SELECT pg_is_in_recovery() AS "onStandby"');
    expect(rows).toEqual([{ onStandby: true }]);
  }, PATIENCE_MS);
  await klatab.cluster.fault('lag', { lagMs: LAG_MS });
  expect(await save(secretary, 'Eben gespeichert', '2027-08-02')).toMatchObject({ status: 200 });
  const list = '/termine?ab=2027-08-02';
  // Whoever has not written it is served by the replica, which has not got there.
  expect((await pupil.open(list)).text).not.toContain('Eben gespeichert');
  expect((await secretary.at(other.address).open(list)).text).toContain('Eben gespeichert');
});

it('a process that is told of a change reads nothing older from then on, though its replica lags', async () => {
  const third = await klatab.another();
  try {
    const secretary = await signedIn('sekretariat2');
    const pupil = await signedIn('schueler2', third.address);
    await klatab.cluster.fault('lag', { lagMs: LAG_MS });
    const stream = await pupil.request('/live');
    const told = untilTold(stream, 'data: booking');
    await save(secretary, 'Nebenan gespeichert', '2027-08-03');
    await told;
    expect((await pupil.open('/termine?ab=2027-08-03')).text).toContain('Nebenan gespeichert');
  } finally {
    await third.close();
  }
});

it('a save whose COMMIT lost its answer is confirmed, and there once', async () => {
  const secretary = await signedIn('sekretariat');
  const settled: boolean[] = [];
  const forget = klatab.db.on('outcome:settled', ({ committed }) => settled.push(committed));
  await klatab.cluster.fault('cut-after-commit', { endpoint: 'master', times: 1 });
  const shown = await save(secretary, 'Antwort verloren', '2027-08-04');
  forget();
  expect(shown).toMatchObject({ status: 200, title: 'Antwort verloren' });
  expect(settled).toEqual([true]);
  const { rows } = await klatab.db.write("SELECT 1 FROM booking WHERE title = 'Antwort verloren'");
  expect(rows).toHaveLength(1);
});

async function untilTold(stream: Response, text: string): Promise<void> {
  let heard = '';
  const decoder = new TextDecoder();
  for await (const chunk of stream.body ?? []) {
    heard += decoder.decode(chunk, { stream: true });
    if (heard.includes(text)) return;
  }
  throw new Error(`the stream has ended without '${text}': ${heard}`);
}
