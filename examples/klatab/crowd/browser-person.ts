import type { Browser, BrowserContext, Page, Response } from 'playwright-core';
import { PASSWORD, PATIENCE_MS } from './klatab.ts';
import type { Person, Seen } from './person.ts';

/** Has a browser of his own, as far as cookies and pages are concerned. */
export class BrowserPerson implements Person {
  readonly name: string;
  readonly complaints: string[] = [];
  readonly #context: BrowserContext;
  readonly page: Page;
  readonly #address: string;

  private constructor(name: string, address: string, context: BrowserContext, page: Page) {
    this.name = name;
    this.#address = address;
    this.#context = context;
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        this.complaints.push(`${name}: console: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.complaints.push(`${name}: script: ${error.message}`));
  }

  static async signIn(
    browser: Browser,
    address: string,
    name: string,
    viewport = { width: 1_200, height: 900 },
  ): Promise<BrowserPerson> {
    const context = await browser.newContext({ viewport, locale: 'de-DE', reducedMotion: 'reduce' });
    context.setDefaultTimeout(PATIENCE_MS);
    const person = new BrowserPerson(name, address, context, await context.newPage());
    await person.page.goto(`${address}/anmelden`);
    await person.page.getByLabel('Anmeldename').fill(name);
    await person.page.getByLabel('Passwort').fill(PASSWORD);
    await person.page.getByRole('button', { name: 'Anmelden' }).click();
    await person.page.waitForURL('**/stundenplan');
    return person;
  }

  async visit(path: string): Promise<Seen> {
    const link = this.page.locator(`header nav a[href="${path}"]`);
    if ((await link.count()) === 0) return this.#seen(await this.page.goto(this.#address + path));
    const [answer] = await Promise.all([this.#navigation(), link.click()]);
    return this.#seen(answer);
  }

  async enter(path: string, values: Readonly<Record<string, string>>, twice = false): Promise<Seen> {
    await this.#seen(await this.page.goto(this.#address + path));
    const form = this.page.locator(`form[action="${path}"]`);
    for (const [field, value] of Object.entries(values)) {
      const control = form.locator(`[name="${field}"]`);
      if ((await control.evaluate((element) => element.tagName)) === 'SELECT')
        await control.selectOption(value);
      else await control.fill(value);
    }
    const button = form.getByRole('button');
    const [answer] = await Promise.all([this.#navigation(), twice ? button.dblclick() : button.click()]);
    return this.#seen(answer);
  }

  async leave(): Promise<void> {
    await this.#context.close();
  }

  /** The answer that ends up in the window, behind redirects. */
  #navigation(): Promise<Response> {
    return this.page.waitForResponse(
      (response) =>
        response.request().isNavigationRequest() && !(response.status() >= 300 && response.status() < 400),
    );
  }

  async #seen(answer: Response | null): Promise<Seen> {
    await this.page.waitForLoadState('domcontentloaded');
    const [title, text, isStale] = await Promise.all([
      this.page.locator('h1').innerText(),
      this.page.locator('main').innerText(),
      this.page.locator('.stale').count(),
    ]);
    const { pathname, search } = new URL(this.page.url());
    if (answer?.status() !== 200)
      throw new Error(`${this.name}: ${pathname} was answered by ${answer?.status()}: ${title}`);
    return { path: pathname + search, title, text, isStale: isStale > 0 };
  }
}
