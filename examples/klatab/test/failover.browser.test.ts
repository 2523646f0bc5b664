/**
 * A school at work while its primary is killed, frozen and replaced: nobody sees an error page, everybody sees what he
 * has just saved, and nothing is lost or there twice.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserSkipped, browserSuite, launchBrowser } from '../crowd/browser.ts';
import { BrowserPerson } from '../crowd/browser-person.ts';
import { Crowd } from '../crowd/crowd.ts';
import { gather } from '../crowd/gather.ts';
import { KlaTab, breakAndMend } from '../crowd/klatab.ts';

/** Fifty people in all. A browser each is what `npm run example:klatab:soak` has; two cores of a CI machine carry these. */
const SIZE = { people: 50, browsers: 4 };
const LIMIT_MS = 600_000;

describe.skipIf(browserSkipped)(browserSuite('fifty people'), () => {
  let klatab: KlaTab;
  let browser: Browser;
  let crowd: Crowd;

  beforeAll(async () => {
    [klatab, browser] = await Promise.all([KlaTab.start({ promoteAfterMs: 2_000 }), launchBrowser()]);
    crowd = new Crowd(await gather(klatab, browser, SIZE), { thinkMs: 4_000 });
    crowd.start();
    await crowd.everybodyGoesOn(1, LIMIT_MS);
  }, LIMIT_MS);
  afterAll(async () => {
    await crowd?.stop();
    await browser?.close();
    await klatab?.[Symbol.asyncDispose]();
  }, LIMIT_MS);

  it.each(['kill-primary', 'freeze-primary', 'switchover'] as const)(
    'go on through %s',
    async (name) => {
      await breakAndMend(klatab.cluster, name);
      await crowd.everybodyGoesOn(1, LIMIT_MS);
      expect(crowd.report.problems).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'go on while the address leads to two masters',
    async () => {
      await breakAndMend(klatab.cluster, 'two-masters', () => crowd.everybodyGoesOn(1, LIMIT_MS));
      expect(crowd.report.problems).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'the appointment that is entered in the middle of a failover is confirmed, and there once',
    async () => {
      const secretary = await BrowserPerson.signIn(browser, klatab.address, 'sekretariat2');
      await breakAndMend(klatab.cluster, 'kill-primary', async () => {
        const values = { title: 'Mitten im Ausfall', day: '2027-07-07', first: '1', last: '2' };
        const saved = await secretary.enter('/termine/neu', values, true);
        expect(saved.title).toBe('Mitten im Ausfall');
        expect(saved.text).toContain('Gespeichert.');
      });
      const { rows } = await klatab.db.write("SELECT 1 FROM booking WHERE title = 'Mitten im Ausfall'");
      expect(rows).toHaveLength(1);
      expect(secretary.complaints).toEqual([]);
      await secretary.leave();
    },
    LIMIT_MS,
  );

  it(
    'nothing of what they were told is lost or there twice, and nothing went wrong on any page',
    async () => {
      await crowd.stop();
      expect(crowd.report.problems).toEqual([]);
      expect(await crowd.compare(klatab.db)).toEqual([]);
      expect(crowd.report.saved).toBeGreaterThan(20);
    },
    LIMIT_MS,
  );
});
