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
        pace: 'on-time',
        promoteAfterMs: 5_000,
        verify: true,
        keep: false,
      },
      target: null,
      engine: 'embedded',
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

  it('takes another engine, which decides itself when to promote', () => {
    const { engine, run } = parse('--engine', 'patroni', '--fault', 'lose-etcd@5s/10s');
    expect(engine).toBe('patroni');
    expect(run.promoteAfterMs).toBe(20_000);
  });

  it('draws faults of a seed, one at a time', () => {
    const draw = (...more: string[]) => parse('--chaos', 'seed=7,every=5s', '--duration', '60s', ...more).run;
    expect(draw().faults.length).toBeGreaterThan(5);
    expect(draw().faults).toEqual(draw('--clients', '5').faults);
    expect(draw().pace).toBe('one-at-a-time');
    expect(parse('--chaos', 'seed=7,every=5s,overlap=true').run.pace).toBe('on-time');
    expect(parse('--fault', 'restart@1s,refuse@2s/1s', '--one-at-a-time').run.pace).toBe('one-at-a-time');
  });

  it.each([
    [['--fault', 'lose-etcd@1s'], 'engine embedded does not have lose-etcd'],
    [['--engine', 'patroni', '--promote-after', '5s'], '5000 ms was given; with patroni it is the lease'],
    [['--chaos', 'seed=1', '--fault', 'restart@1s'], 'leave --fault away'],
    [['--chaos', 'seed=1,every=50s'], 'no fault fits into 30s'],
    [['--chaos', 'seed=1', '--replicas', '0'], '--replicas 1 or more'],
    [['--one-at-a-time'], '--one-at-a-time needs --fault'],
    [['--chaos', 'seed=1', '--target', TARGET], '--chaos is for a cluster of its own'],
    [['--fault', 'kill-primary@30s'], 'comes after the end of the load at 30s'],
    [['--fault', 'kill-primary@1s', '--replicas', '0'], 'needs a standby'],
    [['--fault', 'kill-primary@1s', '--target', TARGET], '--fault is for a cluster of its own'],
    [['--promote-after', '5s', '--target', TARGET], '--promote-after is for a cluster of its own'],
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
