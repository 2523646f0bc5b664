import { describe, expect, it } from 'vitest';
import { ClusterError } from '../errors.ts';
import { resolveGroups } from './partition-groups.ts';

const cluster = { servers: ['pg1', 'pg2', 'pg3'], primary: 'pg2' };

describe('resolveGroups', () => {
  it('parts the primary from the standbys, and leaves control with the many, by default', () => {
    const { groupOf, text } = resolveGroups(undefined, cluster);
    expect(text).toBe('pg2 | pg1, pg3, control');
    expect(groupOf('pg1')).toBe(groupOf('pg3'));
    expect(groupOf('control')).toBe(groupOf('pg1'));
    expect(groupOf('pg2')).not.toBe(groupOf('pg1'));
    expect(groupOf('clients')).toBeUndefined();
  });

  it('gives whoever is named nowhere to the largest group', () => {
    const { text } = resolveGroups([['pg3'], ['primary', 'clients']], cluster);
    expect(text).toBe('pg3 | pg2, clients, pg1, control');
  });

  it('means by standbys those that are not named otherwise', () => {
    const { text } = resolveGroups([['primary', 'pg1', 'control'], ['standbys']], cluster);
    expect(text).toBe('pg2, pg1, control | pg3');
  });

  it.each([
    [[['pg9'], ['standbys']], /partition: there is no server pg9 \(servers: pg1, pg2, pg3/],
    [[['primary'], ['pg2']], /partition: pg2 is named twice/],
    [[['standbys'], ['pg1', 'pg3']], /partition: nobody is in its group 1/],
  ])('refuses %j', (groups, message) => {
    const resolve = () => resolveGroups(groups, cluster);
    expect(resolve).toThrow(ClusterError);
    expect(resolve).toThrow(message);
  });
});
