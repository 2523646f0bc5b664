import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BENCHES, parseBenchCommand } from './bench-command.ts';

describe('parseBenchCommand', () => {
  let printed = '';
  beforeEach(() => {
    printed = '';
    const note = (text: unknown) => {
      printed += String(text);
      return true;
    };
    vi.spyOn(process.stdout, 'write').mockImplementation(note);
    vi.spyOn(process.stderr, 'write').mockImplementation(note);
  });
  afterEach(() => vi.restoreAllMocks());

  it('has a default for everything', () => {
    expect(parseBenchCommand(['failover'])).toEqual({
      bench: 'failover',
      options: { kills: 20, behind: 'refuse', fault: 'kill-primary', clients: 50, promoteAfterMs: 1_000 },
      jsonPath: null,
    });
    expect(parseBenchCommand(['import'])).toEqual({ bench: 'import', runs: 15, jsonPath: null });
    expect(parseBenchCommand(['idle'])).toEqual({ bench: 'idle', idleMs: 60_000, jsonPath: null });
  });

  it('takes what it is given', () => {
    const argv =
      'failover --kills 3 --behind blackhole --fault freeze-primary --clients 7 --promote-after 2s --json -';
    expect(parseBenchCommand(argv.split(' '))).toEqual({
      bench: 'failover',
      options: { kills: 3, behind: 'blackhole', fault: 'freeze-primary', clients: 7, promoteAfterMs: 2_000 },
      jsonPath: '-',
    });
  });

  it('lists the benches to who names none', () => {
    expect(parseBenchCommand([])).toBeNull();
    for (const [name, text] of Object.entries(BENCHES)) {
      expect(printed).toContain(name);
      expect(printed.replaceAll(/\s+/g, ' ')).toContain(text);
    }
  });

  it.each([
    [
      ['faillover'],
      "there is no bench 'faillover'; there are failover, forced-loss, faults, drop-in, import, idle",
    ],
    [['failover', '--kills', '0'], 'Give a whole number from 1 to 1000.'],
    [['failover', '--behind', 'wall'], 'Allowed choices are refuse, blackhole.'],
    [['failover', '--fault', 'latency'], 'Allowed choices are kill-primary, freeze-primary, switchover.'],
    [['idle', '--kills', '3'], "unknown option '--kills'"],
    [['import', 'twice'], 'too many arguments'],
  ])('refuses %j', (argv, reason) => {
    expect(() => parseBenchCommand(argv)).toThrow(reason);
  });
});
