import { describe, expect, it } from 'vitest';
import type { RunReport } from '../src/run/run-report.ts';
import { start } from './support/program.ts';

const SMALL = ['--clients', '60', '--think', '200ms', '--duration', '8s', '--promote-after', '1s', '--quiet'];
const KILL = ['--fault', 'kill-primary@2s', '--json', 'report.json'];

describe('loadgen through the death of the primary', () => {
  it('passes with SchoolDB, and no caller sees an error', async () => {
    const program = start('cli', [...SMALL, ...KILL]);
    const { code, stdout, stderr } = await program.end();
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const report = program.json('report.json') as RunReport & { kind: string; version: number };
    expect(report).toMatchObject({
      kind: 'schooldb-loadgen',
      version: 1,
      errors: 0,
      failovers: 1,
      exactlyOnce: true,
    });
    expect(report.verification?.verdict).toBe('pass');
    expect(report.verification?.check?.acknowledged).toBeGreaterThan(200);
    expect(report.connections.mostInTotal).toBeLessThanOrEqual(40);
    const [fault] = report.faults;
    expect(fault).toMatchObject({ name: 'kill-primary', target: 'pg1', error: null });
    expect(fault!.outageMs).toBeGreaterThan(500);
    expect(fault!.promotionMs).toBeGreaterThan(900);
    expect(fault!.ownShareMs).toBeGreaterThanOrEqual(0);
    expect(report.longestStallMs).toBeGreaterThan(500);
    expect(stdout).toContain('verdict: pass: all ');
    expect(program.left()).toEqual(['report.json']);
  });

  it('shows what plain pg makes of it, and judges it fairly', async () => {
    const program = start('cli', [...SMALL, ...KILL, '--driver', 'pg']);
    const { code, stdout } = await program.end();
    const report = program.json('report.json') as RunReport;
    expect(report.errors).toBeGreaterThan(0);
    expect(report.errorKinds.map((kind) => kind.code)).toContain('ECONNREFUSED');
    expect(report.verification?.verdict).toBe('pass');
    expect(code).toBe(0);
    expect(stdout).toContain('driver pg, workload ledger');
  });
});

describe('loadgen --profile naive', () => {
  it('runs out of connections, as the original did', async () => {
    const program = start('cli', [
      '--profile=naive',
      '--clients=120',
      '--duration=4s',
      '--rows=500',
      '--quiet',
      '--json=report.json',
    ]);
    const { code, stdout } = await program.end();
    expect(code).toBe(0);
    const { errorKinds, verification } = program.json('report.json') as RunReport;
    expect(errorKinds.map((kind) => kind.code)).toContain('53300');
    expect(stdout).toContain('too many clients already');
    expect(verification).toBeNull();
  });
});
