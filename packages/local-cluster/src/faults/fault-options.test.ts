import { describe, expect, it } from 'vitest';
import { ClusterError } from '../errors.ts';
import { checkFault } from './fault-options.ts';
import { FAULT_NAMES } from './fault.ts';

describe('checkFault', () => {
  it.each(FAULT_NAMES)('knows %s', (name) => {
    expect(checkFault(name, {}).name).toBe(name);
  });

  it('lists all faults to who asks for another one', () => {
    expect(() => checkFault('explode', {})).toThrow(
      `unknown fault "explode" (allowed: ${FAULT_NAMES.join(', ')})`,
    );
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['kill-primary', { endpoint: 'master' }, /kill-primary: option endpoint: is not an option of it/],
    ['refuse', { direction: 'upstream' }, /refuse: option direction/],
    ['blackhole', { direction: 'sideways' }, /"sideways" was given \(allowed: upstream, downstream, both\)/],
    [
      'latency',
      { endpoint: 'slave' },
      /"slave" was given \(allowed: master, replica, masterPooler, replicaPooler\)/,
    ],
    ['latency', { latencyMs: -1 }, /-1 was given .*from 0 to 600000/],
    ['latency', { latencyMs: Number.NaN }, /option latencyMs/],
    ['latency', { latencyMs: 10, jitterMs: 20 }, /option jitterMs: 20 was given .*from 0 to 10/],
  ])('refuses %s with %j', (name, options, message) => {
    const check = () => checkFault(name, options);
    expect(check).toThrow(ClusterError);
    expect(check).toThrow(message);
  });
});
