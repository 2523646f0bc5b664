/** The README and the code say the same, both ways. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FAULT_NAMES } from './faults/fault.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

describe('the README', () => {
  it('has a row for each fault, and for no other', () => {
    const section = /^## Faults$(.*?)^## /ms.exec(readme)?.[1] ?? '';
    const rows = [...section.matchAll(/^\| `([a-z_-]+)` /gm)].map(([, name]) => name);
    expect(rows).toEqual([...FAULT_NAMES]);
  });
});
