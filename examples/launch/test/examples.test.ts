/** The examples as their README says, and the primary killed meanwhile. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const LAUNCH = fileURLToPath(new URL('../main.ts', import.meta.url));
const CLUSTER = fileURLToPath(new URL('../../../packages/local-cluster/src/cli.ts', import.meta.url));

/** A place of its own for names and data: nobody else's cluster is met. */
function makePlace(): string {
  const place = mkdtempSync(join(tmpdir(), 'schooldb-example-'));
  chmodSync(place, 0o711);
  onTestFinished(() => rmSync(place, { recursive: true, force: true, maxRetries: 5 }));
  return place;
}

class Terminal {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<unknown>;
  output = '';

  constructor(place: string, script: string, ...args: string[]) {
    this.#child = spawn(process.execPath, [script, ...args], {
      // A terminal sends Ctrl-C to all that it has started.
      detached: true,
      env: { ...process.env, XDG_RUNTIME_DIR: place, TMPDIR: place },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.ended = once(this.#child, 'close').then(([code]) => code as unknown);
    onTestFinished(() => this.signal('SIGKILL'));
  }

  signal(name: NodeJS.Signals): void {
    if (this.#child.exitCode === null && this.#child.pid !== undefined) process.kill(-this.#child.pid, name);
  }

  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (this.#child.exitCode !== null) throw new Error(`ended without ${pattern}: ${this.output}`);
      await Promise.race([once(this.#child.stdout, 'data'), once(this.#child.stderr, 'data'), this.ended]);
    }
  }
}

async function killPrimary(place: string): Promise<void> {
  expect(await new Terminal(place, CLUSTER, 'fault', 'kill-primary').ended).toBe(0);
}

it('hello writes and reads through a failover, and ends with Ctrl-C', async () => {
  const place = makePlace();
  const hello = new Terminal(place, LAUNCH, 'hello');
  await hello.shows(/^3 written/m);
  await killPrimary(place);
  await hello.shows(/the primary is on timeline 2[^]*\n\d+ written[^]*\n\d+ written/);
  hello.signal('SIGINT');
  expect(await hello.ended).toBe(0);
  const lines = [...hello.output.matchAll(/^(\d+) written, (\d+) read/gm)];
  // Each count is what was written until then: nothing is lost, and nothing is there twice.
  expect(lines.map(([, , read]) => Number(read))).toEqual(lines.map((_, index) => index + 1));
  expect(readdirSync(place)).toEqual([]);
});

it('drop-in goes on through a failover, and its app fails nobody', async () => {
  const place = makePlace();
  const app = new Terminal(place, LAUNCH, 'drop-in');
  await app.shows(/^\d+ lessons shown, [3-9] changes, 0 failed/m);
  await killPrimary(place);
  await app.shows(/pg\d is primary on timeline 2[^]*changes[^]*changes[^]*changes/);
  app.signal('SIGINT');
  expect(await app.ended).toBe(0);
  const counts = [...app.output.matchAll(/(\d+) changes, (\d+) failed/g)];
  // A swap whose COMMIT was under way may fail, as with pg; what a pupil looks up does not.
  expect(Number(counts.at(-1)?.[1])).toBeGreaterThan(Number(counts[2]?.[1]));
  expect(app.output).not.toMatch(/^lookUp: /m);
});

it('the same app without it ends, because nobody listens to its pool, or fails its callers', async () => {
  const place = makePlace();
  const app = new Terminal(place, LAUNCH, 'drop-in-plain');
  await app.shows(/^\d+ lessons shown, [3-9] changes, 0 failed/m);
  await killPrimary(place);
  // It ends if a connection was idle at that moment.
  await app.shows(/Unhandled 'error' event|changes, [1-9]\d* failed/);
  app.signal('SIGINT');
  await app.ended;
});

it('klatab serves its pages through a failover, and ends with Ctrl-C though somebody looks at one', async () => {
  const place = makePlace();
  const klatab = new Terminal(place, LAUNCH, 'klatab', '--port', '0');
  const [, address = ''] = await klatab.shows(/KlaTab is at (\S+)[^]*sekretariat [^]*password of all/);
  const answers = async (path: string) => (await fetch(address + path)).status;
  expect([await answers('/anmelden'), await answers('/readyz')]).toEqual([200, 200]);
  await killPrimary(place);
  await klatab.shows(/pg\d is primary on timeline 2/);
  expect(await answers('/readyz')).toBe(200);
  const stream = await openStream(address);
  klatab.signal('SIGINT');
  expect(await klatab.ended).toBe(0);
  expect(await stream.ended).toContain('event: datenbank');
  expect(readdirSync(place)).toEqual([]);
});

/** Signs in and opens what a page keeps open. @returns what it says until the server ends it. */
async function openStream(address: string): Promise<{ readonly ended: Promise<string> }> {
  const cookies = new Map<string, string>();
  const ask = async (path: string, body?: URLSearchParams) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const init = body === undefined ? {} : { method: 'POST', body };
    const response = await fetch(address + path, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(/[=;]/);
      cookies.set(name, value);
    }
    return response;
  };
  const page = await (await ask('/anmelden')).text();
  const _csrf = /name="_csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  await ask('/anmelden', new URLSearchParams({ _csrf, login: 'schueler1', password: 'klatab-demo' }));
  const stream = await ask('/live');
  expect(stream.status).toBe(200);
  return { ended: stream.text() };
}

it('says what an example can be told, without a cluster', async () => {
  const place = makePlace();
  const help = new Terminal(place, LAUNCH, 'klatab', '--help');
  expect(await help.ended).toBe(0);
  expect(help.output).toMatch(/^usage: [^]*--port/);
});

it('says which examples there are', async () => {
  const place = makePlace();
  const wrong = new Terminal(place, LAUNCH, 'goodbye');
  expect(await wrong.ended).toBe(2);
  expect(wrong.output).toMatch(/there is no 'goodbye'\nusage: [^]*\n {2}hello /);
});
