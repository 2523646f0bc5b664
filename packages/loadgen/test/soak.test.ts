import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { LeftoversReport } from '../src/soak/leftovers-report.ts';
import type { SoakReport } from '../src/soak/soak-report.ts';
import { run, start } from './support/program.ts';

const MINUTE = ['--minutes', '1', '--think', '200ms', '--quiet', '--json', 'report.json'];
/** A cluster, a minute of load, and the reading back, also on a machine with other things to do. */
const LIMIT_MS = 300_000;

function expectProof({ run, limits, rodeThrough }: SoakReport): void {
  expect(run.verification?.verdict).toBe('pass');
  expect(limits.map(({ what, measured }) => [what, measured])).toEqual([
    ['lost', 0],
    ['done twice', 0],
    ['ghosts', 0],
  ]);
  expect(rodeThrough.operations).toBeGreaterThan(500);
  expect(rodeThrough.ratio).toBeGreaterThan(0.95);
}

describe('soak embedded', () => {
  it(
    'breaks the cluster in turn, each time once it is whole again, and loses nothing',
    async () => {
      const program = start('soak-cli', ['embedded', ...MINUTE, '--clients', '40', '--promote-after', '1s']);
      const { code, stdout, stderr } = await program.end();
      expect(stderr).toBe('');
      const report = program.json('report.json') as SoakReport & { kind: string };
      expect(report).toMatchObject({ kind: 'schooldb-soak', soak: 'embedded', seed: 1 });
      expectProof(report);
      expect(code).toBe(0);
      const { faults } = report.run;
      expect(faults.length).toBeGreaterThanOrEqual(3);
      expect(faults.slice(0, 3).map(({ name }) => name)).toEqual([
        'kill-primary',
        'freeze-primary',
        'switchover',
      ]);
      for (const [index, { requestedAt }] of faults.entries())
        expect(requestedAt).toBeGreaterThan(index === 0 ? 0 : faults[index - 1]!.wholeAt!);
      expect(faults[0]?.outageMs).toBeGreaterThan(500);
      expect(stdout).toContain('rode through without an error');
      expect(stdout).toContain("client's own share");
      expect(program.left()).toEqual(['report.json']);
    },
    LIMIT_MS,
  );

  it('ends in order with Ctrl-C, verifies what was done, and leaves nothing', async () => {
    const program = start('soak-cli', ['embedded', '--clients', '20', '--promote-after', '500ms']);
    await program.said('is primary on timeline 2');
    program.signal('SIGINT');
    const { code, stdout } = await program.end();
    expect(stdout).toContain('ended early');
    expect(stdout).toContain('verdict: pass');
    expect(code).toBe(0);
    expect(program.left()).toEqual([]);
    const all = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
    expect(all.filter((line) => line.includes(program.directory))).toEqual([]);
  });
});

describe('soak patroni', () => {
  it(
    'does the same under failovers of real Patroni',
    async ({ skip }) => {
      const program = start('soak-cli', ['patroni', ...MINUTE, '--clients', '30']);
      const { code, stderr } = await program.end();
      if (code === 3) {
        expect(stderr).toMatch(/engine patroni needs .*apt-get install|engine patroni needs Linux/);
        skip(stderr);
      }
      const report = program.json('report.json') as SoakReport;
      expectProof(report);
      expect(code).toBe(0);
      expect(report.run.failovers).toBeGreaterThanOrEqual(1);
      expect(report.run.faults[0]).toMatchObject({ name: 'kill-primary', error: null });
    },
    LIMIT_MS,
  );
});

describe.runIf(process.platform === 'linux')('soak leftovers', () => {
  it(
    'finds nothing after random schedules that were ended in the middle',
    async () => {
      const program = start('soak-cli', ['leftovers', '--schedules', '3', '--json', 'report.json']);
      const { code, stdout } = await program.end();
      const { schedules, limits } = program.json('report.json') as LeftoversReport;
      expect(schedules.map(({ left }) => left)).toEqual([[], [], []]);
      expect(limits.filter(({ held }) => !held)).toEqual([]);
      expect(Math.max(...schedules.map(({ processes }) => processes))).toBeGreaterThan(15);
      expect(stdout).toContain('held      process left behind: 0');
      expect(code).toBe(0);
      expect(program.left()).toEqual(['report.json']);
    },
    LIMIT_MS,
  );
});

describe('soak', () => {
  it('lists the soaks', async () => {
    const { code, stdout } = await run('soak-cli');
    expect(code).toBe(0);
    for (const name of ['embedded', 'patroni', 'leftovers']) expect(stdout).toContain(`  ${name} `);
  });

  it.each([
    [['forever'], "soak: there is no soak 'forever'; there are embedded, patroni, leftovers\n"],
    [['embedded', '--minutes', '0'], "argument '0' is invalid"],
    [['patroni', '--promote-after', '5s'], '5000 ms was given; with patroni it is the lease'],
  ])('%j: one line, exit code 2', async (argv, line) => {
    const { code, stderr } = await run('soak-cli', ...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(line);
    expect(stderr.split('\n')).toHaveLength(2);
  });
});
