import { describe, expect, it } from 'vitest';
import type { DemoReport } from '../src/demo/demo-report.ts';
import { start } from './support/program.ts';

describe('the demo', () => {
  it('sets plain pg and SchoolDB side by side', async () => {
    const program = start('demo-cli', ['--short', '--promote-after', '1s', '--json', 'demo.json']);
    const { code, stdout } = await program.end();
    expect(stdout).toMatch(/errors that callers saw +[1-9][\d,]* +0\n/);
    expect(stdout).toMatch(/acknowledged and lost +0 +0\n/);
    expect(stdout).toContain('With SchoolDB nobody noticed more than a wait');
    expect(code).toBe(0);
    const report = program.json('demo.json') as DemoReport & { kind: string };
    expect(report).toMatchObject({
      kind: 'schooldb-demo',
      kept: { kept: true },
      schooldb: { errors: 0, failovers: 1 },
    });
    expect(report.pg.failovers).toBe(1);
    expect(program.left()).toEqual(['demo.json']);
  });

  it('refuses a fault that does not exist before it starts anything', async () => {
    const program = start('demo-cli', ['--fault', 'meteorite']);
    const { code, stderr } = await program.end();
    expect(code).toBe(2);
    expect(stderr).toMatch(/^demo: --fault: there is no fault 'meteorite'; there are .*\n$/);
  });
});
