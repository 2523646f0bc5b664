import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseLoadCommand } from './load-command.ts';

const parse = (...argv: string[]) => parseLoadCommand(argv, {});
const TARGET = 'postgres://bauer:geheim@127.0.0.1/firmendaten';

describe('parseLoadCommand', () => {
  it('needs nothing else said', () => {
    expect(parse('--clients', '300')).toEqual({
      run: {
        driver: 'schooldb',
        workload: 'ledger',
        clients: 300,
        thinkMs: 500,
        durationMs: 30_000,
        maxConnections: 20,
        rows: 10_000,
        seed: 1,
        faults: [],
        promoteAfterMs: 5_000,
        verify: true,
        keep: false,
      },
      target: null,
      replicas: 2,
      synchronous: true,
      jsonPath: null,
      quiet: false,
    });
  });

  it('makes the original script of --profile naive', () => {
    expect(parse('--profile', 'naive').run).toMatchObject({
      driver: 'naive',
      workload: 'random-row',
      thinkMs: 500,
    });
    expect(parse('--profile', 'naive', '--workload', 'ledger').run.workload).toBe('ledger');
  });

  it('takes a target with its replica, and the password from the environment', () => {
    const { target } = parseLoadCommand(
      [
        '--target',
        'postgres://bauer@10.0.145.135/firmendaten',
        '--replica-target',
        'postgres://10.0.145.136',
      ],
      { PGPASSWORD: 'geheim' },
    );
    expect(target).toMatchObject({ password: 'geheim', replica: { host: '10.0.145.136', port: 5432 } });
  });

  it('is not synchronous without a standby', () => {
    expect(parse('--replicas', '0').synchronous).toBe(false);
    expect(parse('--asynchronous').synchronous).toBe(false);
  });

  it.each([
    [['--fault', 'kill-primary@30s'], 'comes after the end of the load at 30s'],
    [['--fault', 'kill-primary@1s', '--replicas', '0'], 'needs a standby'],
    [['--fault', 'kill-primary@1s', '--target', TARGET], '--fault is for the embedded cluster'],
    [['--promote-after', '5s', '--target', TARGET], '--promote-after is for the embedded cluster'],
    [['--replica-target', 'postgres://h'], '--replica-target needs --target'],
    [['--keep'], '--keep needs --target'],
    [['--profile', 'naive', '--driver', 'pg'], 'leave --driver away'],
    [['--max-connections', '2'], 'driver schooldb needs 3 or more'],
    [['--target', `${TARGET}?sslmode=require`], 'driver schooldb verifies who answers'],
  ])('refuses %j', (argv, message) => {
    expect(() => parse(...argv)).toThrow(message);
  });

  describe('with a word it does not know', () => {
    let told: string;
    beforeEach(() => {
      told = '';
      vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
        told += String(text);
        return true;
      });
    });
    afterEach(() => void vi.restoreAllMocks());

    it.each([
      [['--clinets', '3'], "loadgen: unknown option '--clinets' (see --help)\n"],
      [
        ['--clients', '0'],
        "loadgen: option '--clients <n>' argument '0' is invalid. Give a whole number from 1 to 20000. (see --help)\n",
      ],
      [
        ['--think', '5'],
        "loadgen: option '--think <time>' argument '5' is invalid. Give a number and a unit, such as 500ms, 5s or 2m. (see --help)\n",
      ],
      [
        ['--driver', 'odbc'],
        "loadgen: option '--driver <name>' argument 'odbc' is invalid. Allowed choices are schooldb, pg. (see --help)\n",
      ],
    ])('says so in one line: %j', (argv, line) => {
      expect(() => parse(...argv)).toThrow();
      expect(told).toBe(line);
    });
  });
});
