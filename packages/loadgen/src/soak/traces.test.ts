import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Traces } from './traces.ts';

/** Starts a server in a process group of its own, says so, and ends. */
const PARENT = `
  const { spawn } = require('node:child_process');
  const child = spawn(process.execPath, ['-e', process.argv[1]], { detached: true, stdio: ['ignore', 'inherit', 'ignore'] });
  child.unref();
  process.stdin.resume();
`;
const ORPHAN = `
  const { createServer } = require('node:net');
  createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); });
  createServer().listen(process.cwd() + '/socket');
`;

describe.runIf(process.platform === 'linux')('Traces', () => {
  it('finds an orphan with its port and its files, until they are gone', async () => {
    const place = mkdtempSync(join(tmpdir(), 'schooldb-traces-'));
    const parent = spawn(process.execPath, ['-e', PARENT, ORPHAN], {
      cwd: place,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const traces = new Traces(parent.pid!, place);
    onTestFinished(() => {
      parent.kill('SIGKILL');
      rmSync(place, { recursive: true, force: true });
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    await vi.waitFor(() => {
      traces.look();
      expect(traces.processes).toBe(2);
    }, 20_000);
    parent.kill('SIGKILL');
    writeFileSync(join(place, 'note'), '');

    await vi.waitFor(() => expect(traces.left()).toHaveLength(5), 20_000);
    const left = traces.left();
    expect(left[0]).toMatch(/^process \d+ \(.*node/);
    expect(left.slice(1)).toEqual([
      `port ${String(line).trim()}`,
      'file note',
      'file socket',
      `unix socket ${place}/socket`,
    ]);

    const orphan = Number(/^process (\d+)/.exec(left[0]!)![1]);
    process.kill(orphan, 'SIGKILL');
    await vi.waitFor(() => expect(traces.left()).toEqual(['file note', 'file socket']), 20_000);
  });
});
