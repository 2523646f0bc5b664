import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { FailoverReport } from '../src/bench/failover-report.ts';
import type { MatrixReport } from '../src/bench/fault-matrix.ts';
import type { ForcedLossReport } from '../src/bench/forced-loss-report.ts';
import type { IdleReport } from '../src/bench/run-idle.ts';
import type { ImportReport } from '../src/bench/run-import.ts';
import type { SweepReport } from '../src/sweep/sweep-report.ts';
import { run, start } from './support/program.ts';

/** Held, or a figure that this machine did not reach: figures are not what these tests are about. */
const MEASURED = [0, 99];
const SMALL = ['--clients', '10', '--promote-after', '300ms', '--json', 'report.json'];

interface Header {
  kind: string;
  version: number;
}

function limitsOf({ limits }: { limits: { what: string }[] }): string[] {
  return limits.map(({ what }) => what);
}

describe('bench failover', () => {
  it('tells of each kill, and that nobody saw an error and nothing was lost', async () => {
    const program = start('bench-cli', ['failover', '--kills', '2', ...SMALL]);
    const { code, stdout } = await program.end();
    expect(MEASURED).toContain(code);
    expect(stdout).toMatch(/^1\/2 kill-primary pg1 .*\n2\/2 kill-primary pg\d /);
    expect(stdout).toMatch(/^(?:held|NOT held) +own share, p50: /m);
    const report = program.json('report.json') as FailoverReport & Header;
    expect(report).toMatchObject({
      kind: 'schooldb-bench',
      version: 1,
      bench: 'failover',
      errors: 0,
      lost: 0,
      doubled: 0,
      ghosts: 0,
      kills: [
        { number: 1, target: 'pg1', errors: 0, tooManyClients: 0 },
        { number: 2, errors: 0, tooManyClients: 0 },
      ],
    });
    expect(report.writes).toBeGreaterThan(50);
    for (const { clusterMs, ownShareMs, connects } of report.kills) {
      expect(clusterMs).toBeGreaterThan(300);
      expect(ownShareMs).not.toBeNull();
      expect(connects.total).toBeGreaterThan(0);
      expect(connects.mostOpen).toBeLessThanOrEqual(20);
    }
    expect(program.left()).toEqual(['report.json']);
  });

  it('puts a black hole beside the new primary, and still loses nothing', async () => {
    const program = start('bench-cli', ['failover', '--kills', '1', '--behind', 'blackhole', ...SMALL]);
    const { code } = await program.end();
    expect(MEASURED).toContain(code);
    const report = program.json('report.json') as FailoverReport;
    expect(report).toMatchObject({ lost: 0, doubled: 0, ghosts: 0, errors: 0 });
    expect(limitsOf(report)).toContain('own share, p99');
  });

  it('tells when a frozen server was found dead', async () => {
    const argv = ['failover', '--kills', '1', '--fault', 'freeze-primary', '--clients', '10', '--json', '-'];
    const { code, stdout, stderr } = await run('bench-cli', ...argv);
    expect(MEASURED).toContain(code);
    const report = JSON.parse(stdout) as FailoverReport;
    expect(report).toMatchObject({ lost: 0, doubled: 0, ghosts: 0, errors: 0 });
    expect(report.kills[0]?.detectionMs).toBeGreaterThan(500);
    expect(stderr).toMatch(/^1\/1 freeze-primary pg1 .* detected /m);
  });

  it('leaves nothing after Ctrl-C', async () => {
    const program = start('bench-cli', ['failover', '--kills', '1000']);
    await program.prints('1/1000');
    program.signal('SIGINT');
    expect((await program.end()).code).toBe(130);
    expect(program.left()).toEqual([]);
    const all = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
    expect(all.filter((line) => line.includes(program.directory))).toEqual([]);
  });
});

describe('bench forced-loss', () => {
  it('reports exactly the writes that had to get lost, and none with synchronous replication', async () => {
    const program = start('bench-cli', [
      'forced-loss',
      '--runs',
      '1',
      '--seed',
      '3',
      '--json',
      'report.json',
    ]);
    const { code, stdout } = await program.end();
    const { losses, limits } = program.json('report.json') as ForcedLossReport;
    expect(losses.map(({ mode, lost, whileCut }) => [mode, lost === whileCut, lost])).toEqual([
      ['asynchronous', true, losses[0]!.whileCut],
      ['synchronous', false, 0],
    ]);
    expect(losses[0]!.lost).toBeGreaterThan(0);
    expect(limits.filter(({ held }) => !held)).toEqual([]);
    expect(stdout).toContain('asynchronous: exactly K lost in 1 of 1 runs; synchronous: none lost in 1 of 1');
    expect(code).toBe(0);
    expect(program.left()).toEqual(['report.json']);
  });
});

describe('bench faults', () => {
  it('measures what callers meet, as a table', async () => {
    const argv = ['faults', '--only', 'kill-primary,latency', '--replication', 'synchronous'];
    const program = start('bench-cli', [...argv, '--clients', '5', '--json', 'report.json']);
    const { code, stdout } = await program.end();
    const { engines } = program.json('report.json') as MatrixReport;
    expect(engines[0]?.cells).toMatchObject([
      { fault: { name: 'kill-primary' }, error: null, schooldb: { lost: 0, doubled: 0, ghosts: 0 } },
      { fault: { name: 'latency' }, error: null, schooldb: { lost: 0, doubled: 0, ghosts: 0 } },
    ]);
    expect(engines[0]?.cells[0]?.pg.errors).toBeGreaterThan(0);
    expect(engines[0]?.cells[0]?.endedBy).toContain('promotion after ');
    expect(stdout).toMatch(/^\| `kill-primary` +\| synchronous /m);
    expect(stdout).toMatch(/^\| `lose-etcd` +\| – .* this engine does not have it/m);
    expect(code).toBe(0);
    expect(program.left()).toEqual(['report.json']);
  });

  it.each([
    [['--only', 'meteorite'], "there is no fault 'meteorite' to measure; there are kill-primary, "],
    [['--write', '/no/such/file.md'], '--write: /no/such/file.md cannot be read: ENOENT'],
    [['--write', 'x.md', '--only', 'latency'], 'leave --only and --replication away'],
  ])('%j: one line, exit code 2', async (argv, line) => {
    const { code, stderr } = await run('bench-cli', 'faults', ...argv);
    expect(stderr).toContain(line);
    expect(code).toBe(2);
  });
});

describe('bench sweep', () => {
  it('cuts calls at their messages, and finds each effect once and each caller told the truth', async () => {
    const argv = ['--routes', 'direct', '--situations', 'nothing,nobody-answers,promotion', '--every', '12'];
    const program = start('bench-cli', ['sweep', ...argv, '--json', 'report.json']);
    expect((await program.end()).code).toBe(0);
    const { swept } = program.json('report.json') as SweepReport;
    expect(swept.map(({ situation, violations }) => [situation, violations])).toEqual([
      ['nothing', []],
      ['nobody-answers', []],
      ['promotion', []],
    ]);
    for (const { cuts } of swept) expect(cuts).toBeGreaterThan(10);
  });

  it('names a situation that does not exist, and those that do', async () => {
    const { code, stderr } = await run('bench-cli', 'sweep', '--situations', 'rain');
    expect(code).toBe(2);
    expect(stderr).toMatch(/There is no 'rain'\. Give one or more of nothing, /);
  });
});

describe('bench import', () => {
  it('compares processes, and finds none of what an app may not need', async () => {
    const program = start('bench-cli', ['import', '--runs', '3', '--json', 'report.json']);
    const { code, stdout } = await program.end();
    expect(MEASURED).toContain(code);
    const report = program.json('report.json') as ImportReport;
    expect(report.pgMs).toBeGreaterThan(report.emptyMs ?? Infinity);
    expect(report.modules).toBeGreaterThan(20);
    for (const name of ['libpg-query', 'kysely', '@kubernetes/client-node'])
      expect(stdout).toContain(`held      modules of ${name}: 0`);
  });
});

describe('bench idle', () => {
  it('counts what an idle client asks of the servers, and waits for its process', async () => {
    const program = start('bench-cli', ['idle', '--for', '3s', '--json', 'report.json']);
    expect(MEASURED).toContain((await program.end()).code);
    const report = program.json('report.json') as IdleReport;
    expect(limitsOf(report)).toEqual([
      'probes per minute at master',
      'probes per minute at replica',
      'end of a process with an idle client',
    ]);
    expect(report.visits.master).toBeLessThan(10);
  });
});

describe('bench', () => {
  it('lists the benches', async () => {
    for (const argv of [[], ['--help']]) {
      const { code, stdout } = await run('bench-cli', ...argv);
      expect(code).toBe(0);
      for (const name of ['failover', 'forced-loss', 'faults', 'import', 'idle'])
        expect(stdout).toContain(`  ${name} `);
    }
  });

  it('answers an unknown name with one line', async () => {
    const { code, stderr } = await run('bench-cli', 'speed');
    expect(code).toBe(2);
    expect(stderr).toBe(
      "bench: there is no bench 'speed'; there are failover, forced-loss, faults, drop-in, import, idle, sweep\n",
    );
  });
});
