import { describe, expect, it } from 'vitest';
import { missingIn } from './await-whole.ts';

type Status = Parameters<typeof missingIn>[0];
const server = (name: string, more: Partial<Status['servers'][number]> = {}): Status['servers'][number] => ({
  name,
  host: '127.0.0.1',
  port: 1,
  state: 'running',
  role: 'standby',
  timeline: 1,
  lsn: null,
  synchronous: true,
  connections: 0,
  ...more,
});
const primary = server('pg1', { role: 'primary', synchronous: false });
const whole: Status = { primary: 'pg1', servers: [primary, server('pg2'), server('pg3')], faults: [] };

describe('missingIn', () => {
  it('misses nothing in a whole cluster', () => {
    expect(missingIn(whole, true)).toBeNull();
  });

  it.each<[string, Partial<Status>]>([
    ['no server is primary', { primary: null }],
    ['pg2 is cloning', { servers: [primary, server('pg2', { state: 'cloning' })] }],
    ['pg2 is no standby', { servers: [primary, server('pg2', { role: 'unknown' })] }],
    ['no standby is synchronous', { servers: [primary, server('pg2', { synchronous: false })] }],
    ['refuse is still in force', { faults: [{ id: '1', name: 'refuse', target: 'master', appliedAt: 0 }] }],
  ])('says: %s', (missing, change) => {
    expect(missingIn({ ...whole, ...change }, true)).toBe(missing);
  });
});
