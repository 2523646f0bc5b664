import { describe, expect, it } from 'vitest';
import { ClusterError } from '../errors.ts';
import { checkFault } from './fault-options.ts';
import { FAULT_NAMES } from './fault.ts';

describe('checkFault', () => {
  it.each(FAULT_NAMES)('knows %s', (name) => {
    expect(checkFault(name, {}).name).toBe(name);
  });

  it('takes the options of the faults after a failover', () => {
    const options = { other: 'blackhole', choice: 'random', seed: 0 } as const;
    expect(checkFault('two-masters', options).options).toEqual(options);
    expect(checkFault('stale-pooler', { server: 'primary' }).options).toEqual({ server: 'primary' });
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
    [
      'frozen-postmaster',
      { endpoint: 'master' },
      /frozen-postmaster: option endpoint: is not an option of it/,
    ],
    ['two-masters', { endpoint: 'master' }, /not an option of it \(allowed: other, choice, seed\)/],
    ['two-masters', { other: 'both' }, /"both" was given \(allowed: standby, blackhole, refuse\)/],
    ['two-masters', { choice: 'coin' }, /"coin" was given \(allowed: turns, random\)/],
    [
      'two-masters',
      { seed: 3 },
      /option seed: 3 was given without chance \(allowed: with choice 'random' only\)/,
    ],
    ['two-masters', { choice: 'random', seed: 1.5 }, /1\.5 was given .*an integer from 0 to 4294967295/],
    ['two-masters', { choice: 'random', seed: -1 }, /option seed: -1 was given/],
    ['stale-pooler', { server: 'pg1' }, /"pg1" was given \(allowed: demoted, primary\)/],
    ['stale-pooler', { other: 'standby' }, /not an option of it \(allowed: server\)/],
    ['latency', { latencyMs: 10, jitterMs: 20 }, /option jitterMs: 20 was given .*from 0 to 10/],
  ])('refuses %s with %j', (name, options, message) => {
    const check = () => checkFault(name, options);
    expect(check).toThrow(ClusterError);
    expect(check).toThrow(message);
  });
});
