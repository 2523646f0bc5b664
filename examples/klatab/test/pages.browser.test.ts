/** What pages are like for whoever uses them: with a keyboard, a phone, a screen reader, and for a whole morning. */
import axe from 'axe-core';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { browserSkipped, browserSuite, launchBrowser } from '../crowd/browser.ts';
import { BrowserPerson } from '../crowd/browser-person.ts';
import { KlaTab, PASSWORD, PATIENCE_MS, breakAndMend } from '../crowd/klatab.ts';
import { Visitor, formIn } from '../crowd/visitor.ts';

const PAGE_LIMIT_BYTES = 150_000;
vi.setConfig({ testTimeout: PATIENCE_MS });

const PHONE = { width: 360, height: 740 };

const PAGES = {
  schueler1: ['/stundenplan', '/termine', '/pruefungen', '/vertretungen', '/termine/nirgends'],
  lehrkraft1: ['/stundenplan', '/pruefungen', '/pruefungen/neu', '/termine/neu'],
  sekretariat: [
    '/stundenplan',
    '/termine',
    '/termine/neu',
    '/vertretungen',
    '/vertretungen/neu?day=2026-11-30',
  ],
} as const;
type Login = keyof typeof PAGES;

describe.skipIf(browserSkipped)(browserSuite('pages'), () => {
  let klatab: KlaTab;
  let browser: Browser;

  beforeAll(async () => {
    [klatab, browser] = await Promise.all([
      KlaTab.start({ replicas: 1, promoteAfterMs: 3_000 }),
      launchBrowser(),
    ]);
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    await klatab?.[Symbol.asyncDispose]();
  }, PATIENCE_MS);

  async function person(login: string, viewport?: typeof PHONE): Promise<BrowserPerson> {
    const signedIn = await BrowserPerson.signIn(browser, klatab.address, login, viewport);
    onTestFinished(() => signedIn.leave());
    return signedIn;
  }

  async function newPage(): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    onTestFinished(() => page.context().close());
    return page;
  }

  it('the page for signing in has nothing that keeps anybody out', async () => {
    const page = await newPage();
    await page.goto(`${klatab.address}/anmelden`);
    expect(await barriersIn(page)).toEqual([]);
  });

  it.each(Object.keys(PAGES) as Login[])(
    '%s finds no barrier on any page, at a desk or with a phone, and none is heavy',
    async (login) => {
      for (const viewport of [{ width: 1_200, height: 900 }, PHONE]) {
        const { page, complaints } = await person(login, viewport);
        for (const path of PAGES[login]) {
          const answer = await page.goto(klatab.address + path);
          expect(await barriersIn(page), path).toEqual([]);
          expect((await answer?.body())?.byteLength, path).toBeLessThan(PAGE_LIMIT_BYTES);
          // Nothing has to be pushed sideways.
          const width = await page.evaluate<number>('document.documentElement.scrollWidth');
          expect(width, path).toBeLessThanOrEqual(viewport.width);
        }
        // Chromium itself complains of pages that are not there, or not for everybody.
        expect(complaints.filter((text) => !/status of 40[34]/.test(text))).toEqual([]);
      }
    },
    PATIENCE_MS * 2,
  );

  it('a refused form has no barrier either, and tells what is wrong beside the field', async () => {
    const { page } = await person('sekretariat');
    await page.goto(`${klatab.address}/termine/neu`);
    await page.getByLabel('Titel').fill('Am Sonntag');
    await page.getByLabel('Tag').fill('2026-11-29');
    await page.getByLabel('Von').selectOption('1');
    await page.getByLabel('Bis').selectOption('2');
    await page.getByRole('button', { name: 'Speichern' }).click();
    const field = page.getByLabel('Tag');
    await page.getByText('Am Wochenende ist keine Schule.').waitFor();
    expect(await field.getAttribute('aria-describedby')).toBe('day-fehler');
    expect(await barriersIn(page)).toEqual([]);
  });

  it('an appointment is entered with the keyboard alone', async () => {
    const page = await newPage();
    await page.goto(`${klatab.address}/anmelden`);
    await tabTo(page, 'login');
    await page.keyboard.type('sekretariat');
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/stundenplan');
    await tabTo(page, 'Termine');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/termine');
    await tabTo(page, 'Termin eintragen');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/termine/neu');
    await tabTo(page, 'title');
    await page.keyboard.type('Mit der Tastatur');
    await page.keyboard.press('Tab');
    // The seventh of July, whichever of the two the browser asks for first.
    await page.keyboard.type('07072027');
    await tabTo(page, 'first');
    await page.keyboard.type('3');
    await tabTo(page, 'last');
    await page.keyboard.type('4');
    await tabTo(page, 'Speichern');
    await page.keyboard.press('Enter');
    await page.getByText('Gespeichert.', { exact: true }).waitFor();
    expect(await page.locator('h1').innerText()).toBe('Mit der Tastatur');
  });

  it('a page that is open shows what somebody else saves, and keeps the focus', async () => {
    const { page } = await person('schueler1');
    await page.goto(`${klatab.address}/termine?ab=2027-07-01`);
    await vi.waitFor(() => expect(klatab.app.live.streams).toBeGreaterThan(0), PATIENCE_MS);
    await page.getByRole('link', { name: 'Termine' }).focus();
    const secretary = new Visitor(klatab.address);
    await secretary.signIn('sekretariat');
    const form = formIn(await secretary.open('/termine/neu'), '/termine/neu');
    await secretary.submit(form, { title: 'Eben eingetragen', day: '2027-07-08', first: '1', last: '2' });
    await page.getByRole('link', { name: 'Eben eingetragen' }).waitFor({ timeout: PATIENCE_MS });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Termine');
  });

  it('a page shows what somebody saves at another process', async () => {
    const other = await klatab.another();
    onTestFinished(() => other.close());
    const { page } = await person('schueler1');
    await page.goto(`${klatab.address}/termine?ab=2027-07-01`);
    await vi.waitFor(() => expect(klatab.app.live.streams).toBeGreaterThan(0), PATIENCE_MS);
    const secretary = new Visitor(other.address);
    await secretary.signIn('sekretariat2');
    const form = formIn(await secretary.open('/termine/neu'), '/termine/neu');
    await secretary.submit(form, { title: 'Nebenan eingetragen', day: '2027-07-09', first: '1', last: '2' });
    await page.getByRole('link', { name: 'Nebenan eingetragen' }).waitFor({ timeout: PATIENCE_MS });
  });

  it('streams end with their pages', async () => {
    const before = klatab.app.live.streams;
    const { page } = await person('schueler2');
    for (const path of PAGES.schueler1.slice(0, 4)) await page.goto(klatab.address + path);
    await vi.waitFor(() => expect(klatab.app.live.streams).toBe(before + 1), PATIENCE_MS);
    await page.goto('about:blank');
    await vi.waitFor(() => expect(klatab.app.live.streams).toBe(before), PATIENCE_MS);
  });

  it('a banner says that saving takes a moment, as long as it does', async () => {
    const { page } = await person('schueler3');
    const banner = page.locator('#banner');
    await vi.waitFor(() => expect(klatab.app.live.streams).toBeGreaterThan(0), PATIENCE_MS);
    expect(await banner.isVisible()).toBe(false);
    await breakAndMend(klatab.cluster, 'kill-primary', () =>
      banner.waitFor({ state: 'visible', timeout: PATIENCE_MS }),
    );
    await banner.waitFor({ state: 'hidden', timeout: PATIENCE_MS });
  });

  it('who saves meanwhile is told that it takes longer, and it is saved', async () => {
    const { page } = await person('sekretariat');
    await page.goto(`${klatab.address}/termine/neu`);
    await page.getByLabel('Titel').fill('Mit Geduld');
    await page.getByLabel('Tag').fill('2027-07-12');
    await page.getByLabel('Von').selectOption('1');
    await page.getByLabel('Bis').selectOption('2');
    // The page tells by itself: while a form is under way, the driver asks it nothing.
    await page.evaluate(`
      const saving = document.querySelector('.saving');
      new MutationObserver(() => console.log('saving: ' + saving.innerText)).observe(saving, { attributes: true });
    `);
    await breakAndMend(klatab.cluster, 'kill-primary', async () => {
      const told = page.waitForEvent('console', { timeout: PATIENCE_MS });
      await page.getByRole('button', { name: 'Speichern' }).click({ noWaitAfter: true });
      expect((await told).text()).toMatch(/^saving: Wird gespeichert\./);
    });
    await page.getByText('Gespeichert.', { exact: true }).waitFor();
    expect(await page.locator('h1').innerText()).toBe('Mit Geduld');
  });
});

/** What axe calls serious or critical, and where. */
async function barriersIn(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
}

/** Presses Tab until the focus is on what has this name, or this text. */
async function tabTo(page: Page, wanted: string): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<string[]>(
      '[document.activeElement.getAttribute("name"), document.activeElement.textContent.trim()]',
    );
    if (focused.includes(wanted)) return;
  }
  throw new Error(`Tab does not lead to ${wanted}`);
}
