import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../src/run/run-report.ts';
import { start } from './support/program.ts';

const LONG = ['--clients', '30', '--duration', '10m', '--json', 'report.json'];

function processesIn(directory: string): string[] {
  const all = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(directory));
}

describe('Ctrl-C', () => {
  it('ends the load, then verifies and reports, and leaves nothing', async () => {
    const program = start('cli', LONG);
    await program.said('ops/s');
    program.signal('SIGINT');
    const { code, stdout, stderr } = await program.end();
    expect(code).toBe(0);
    expect(stderr).toContain('the load was ended early; what was done is still verified');
    expect(stdout).toContain('verdict: pass');
    expect((program.json('report.json') as RunReport).interrupted).toBe(true);
    expect(program.left()).toEqual(['report.json']);
    expect(processesIn(program.directory)).toEqual([]);
  });

  it('does not call faults that never happened a pass', async () => {
    const program = start('cli', [...LONG, '--fault', 'kill-primary@9m']);
    await program.said('ops/s');
    program.signal('SIGINT');
    const { code, stdout } = await program.end();
    expect(code).toBe(11);
    expect(stdout).toContain('verdict: inconclusive: 1 scheduled fault did not happen');
  });

  it('quits at once the second time, and still leaves nothing', async () => {
    const program = start('cli', [...LONG, '--fault', 'freeze-primary@2s', '--promote-after', '5m']);
    await program.said('freeze-primary');
    program.signal('SIGINT');
    await program.said('ended early');
    program.signal('SIGINT');
    const { code } = await program.end();
    expect(code).toBe(130);
    expect(program.left()).toEqual([]);
    expect(processesIn(program.directory)).toEqual([]);
  });

  it('gives up a start', async () => {
    const program = start('cli', LONG);
    await program.said('starting a cluster');
    program.signal('SIGTERM');
    expect((await program.end()).code).toBe(130);
    expect(program.left()).toEqual([]);
    expect(processesIn(program.directory)).toEqual([]);
  });
});
