/** The README and the code say the same, both ways. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from './cli/exit-codes.ts';
import { CHARTS } from './manifests/pins.ts';
import { STEP_IDS } from './manifests/manifest.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

describe('the README', () => {
  it('has a row for each exit code, and for no other', () => {
    const rows = [...readme.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(rows).toEqual(Object.values(EXIT));
  });

  it('has a row for each step, in their order', () => {
    const section = /^## What is made of it$(.*?)^## /ms.exec(readme)?.[1] ?? '';
    expect([...section.matchAll(/^\| `([-a-z]+)` /gm)].map(([, id]) => id)).toEqual(STEP_IDS);
  });

  it('names the versions that are pinned', () => {
    for (const { version } of Object.values(CHARTS)) expect(readme).toContain(version);
  });
});
