import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { openLazyPgWire } from './lazy-pg-wire.ts';
import type { WireTarget } from './wire.ts';

/** Nobody listens on port 1. */
const NOWHERE: WireTarget = {
  host: '127.0.0.1',
  port: 1,
  database: 'school',
  user: 'app',
  password: '',
  tls: false,
  applicationName: 'test',
};

describe('openLazyPgWire', () => {
  it('gives up an attempt that was abandoned while pg was being loaded', async () => {
    const pending = openLazyPgWire(NOWHERE);
    const reason = new Error('another attempt was faster');
    pending.abandon(reason);
    await expect(pending.ready).rejects.toBe(reason);
    expect(pending.bytesRead).toBe(0);
  });

  it('connects as pg does, the first time and later', async () => {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(openLazyPgWire(NOWHERE).ready).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
  });

  // Node 22.19 and later run TypeScript as it is.
  it('spares whoever imports the package the loading of pg and of the parser', () => {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const { createSchoolDb } = await import(${JSON.stringify(new URL('../index.ts', import.meta.url).href)});
      createSchoolDb({ endpoints: { master: 'db' }, database: 'school', user: 'app' });
      console.log(JSON.stringify(loaded.filter((url) => /node_modules.(pg|libpg-query|kysely)[^-]/.test(url))));
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    });
    expect(JSON.parse(output)).toEqual([]);
  });
});
