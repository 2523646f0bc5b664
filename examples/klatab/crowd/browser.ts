/** Chromium without a window. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const HOW_TO_GET = 'apt-get install --no-install-recommends chromium fonts-dejavu-core';
const place = process.env['KLATAB_CHROMIUM'] ?? PLACES.find((each) => existsSync(each));

/** In CI they fail instead of being skipped. */
export const browserSkipped = place === undefined && process.env['CI'] === undefined;

/** The name of a suite, with the reason where it is skipped. */
export function browserSuite(name: string): string {
  return browserSkipped
    ? `${name} (skipped: needs Chromium, ${HOW_TO_GET}, or KLATAB_CHROMIUM with its path)`
    : name;
}

export function launchBrowser(): Promise<Browser> {
  if (place === undefined) throw new Error(`no Chromium: ${HOW_TO_GET}`);
  const asRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: place,
    // Its sandbox refuses root, and containers have small /dev/shm. Only pages of our own are opened.
    args: [...(asRoot ? ['--no-sandbox'] : []), '--disable-dev-shm-usage'],
  });
}
