import { describe, expect, it } from 'vitest';
import { parseLsn } from '../lsn.ts';
import { lastSwitch } from './replication.ts';

describe('lastSwitch', () => {
  it('is where the newest timeline left its predecessor', () => {
    const history =
      '1\t0/10609800\tno recovery target specified\n\n2\t0/10609978\tno recovery target specified\n';
    expect(lastSwitch(history)).toBe(parseLsn('0/10609978'));
  });

  it('skips comments', () => {
    expect(lastSwitch('# 9 0/1\n1\t0/5000\tbefore 2000-01-01\n')).toBe(parseLsn('0/5000'));
  });

  it('is unknown in an empty history', () => {
    expect(lastSwitch('')).toBeUndefined();
  });
});
