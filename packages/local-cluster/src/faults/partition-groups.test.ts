import { describe, expect, it } from 'vitest';
import { resolveGroups } from './partition-groups.ts';

const CLUSTER = { servers: ['pg1', 'pg2', 'pg3'], primary: 'pg2' };

function textOf(...groups: string[][]): string {
  return resolveGroups(groups, CLUSTER).text;
}

describe('the groups of a partition', () => {
  it('separate the primary from all others where none are given', () => {
    const { text, groupOf } = resolveGroups(undefined, CLUSTER);
    expect(text).toBe('pg2 | pg1, pg3, control');
    expect(groupOf('control')).toBe(groupOf('pg1'));
    expect(groupOf('clients')).toBeUndefined();
  });

  it('take whoever is in none into the largest', () => {
    expect(textOf(['pg1', 'clients'], ['pg3'])).toBe('pg1, clients, pg2, control | pg3');
    expect(textOf(['control'], ['primary', 'standbys'])).toBe('control | pg2, pg1, pg3');
  });

  it('mean by standbys those that no other group names', () => {
    expect(textOf(['pg1', 'control'], ['primary', 'standbys'])).toBe('pg1, control | pg2, pg3');
  });

  it('are refused where they make no sense', () => {
    expect(() => textOf(['pg2'], ['primary'])).toThrow(/^partition: pg2 is named twice/);
    expect(() => textOf(['pg9'], ['primary'])).toThrow(/there is no server pg9 \(servers: pg1, pg2, pg3;/);
    const alone = { servers: ['pg1'], primary: 'pg1' };
    expect(() => resolveGroups(undefined, alone)).toThrow(/nobody is in its group 2/);
  });
});
