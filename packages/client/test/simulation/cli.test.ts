import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const CLI = fileURLToPath(new URL('./cli.ts', import.meta.url));
const MUTATION = 'takes a lost COMMIT for one that failed';

function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args]);
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('pnpm simulate', () => {
  it('ends with a table', async () => {
    const { code, out } = await run('--schedules', '30', '--seed', '1', '--workers', '1');
    expect(code).toBe(0);
    expect(out).toMatch(/schedules +30\n/);
    expect(out).toMatch(/schedules per second +\d+/);
  });

  it.each([
    [['--schedules', 'many'], "--schedules must be an integer from 1 to 1000000000, but is 'many'"],
    [['--workers', '0'], "--workers must be an integer from 1 to 256, but is '0'"],
    [['--replay', '/nowhere'], "--replay: '/nowhere' is neither a seed nor a file with JSON"],
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['--mutation', 'x'], "--mutation 'x' is none of those"],
  ])('says in one line what is wrong with %j', async (args, line) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err.split('\n')[0]).toContain(line);
  });

  it('shows a small schedule that violates an invariant, from which it can be repeated', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'simulate-'));
    try {
      const file = join(folder, 'result.json');
      const found = await run('--seed', '1', '--mutation', MUTATION, '--json', file, '--workers', '1');
      expect(found.code).toBe(10);
      expect(found.out).toMatch(/VIOLATION of 2-\w+: [\s\S]*pnpm simulate --replay \d+/);
      const { schedule, violation } = JSON.parse(await readFile(file, 'utf8')) as {
        schedule: { operations: unknown[] };
        violation: { invariant: string };
      };
      expect(schedule.operations.length).toBeLessThanOrEqual(3);
      const again = await run('--replay', file, '--mutation', MUTATION);
      expect([again.code, again.out]).toEqual([10, expect.stringContaining(violation.invariant)]);
      const sound = await run('--replay', file);
      expect([sound.code, sound.out]).toEqual([0, expect.stringContaining('nothing was violated')]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('leaves standard output to JSON where that is asked for', async () => {
    const { code, out } = await run('--schedules', '5', '--seed', '1', '--json', '-');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ schemaVersion: 1, seed: 1, tally: { schedules: 5 } });
  });
});
