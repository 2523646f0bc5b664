import { mkdtempSync, readdirSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAULT_NAMES, type ClusterStatus, type FaultStatus } from '../src/index.ts';
import { eventually } from './support/clients.ts';
import { CLI, spawnNode, type NodeProcess } from './support/spawn-node.ts';

/** Names are looked up here, so that tests never meet a cluster of the user's own. */
let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'schooldb-cli-'));
  chmodSync(place, 0o711);
});
afterAll(() => {
  const left = readdirSync(place);
  rmSync(place, { recursive: true, force: true });
  expect(left).toEqual([]);
});

function cluster(...args: string[]): NodeProcess {
  return spawnNode([CLI, ...args], { env: { XDG_RUNTIME_DIR: place } });
}

async function run(...args: string[]): Promise<NodeProcess & { code: unknown }> {
  const process = cluster(...args);
  const code = await process.ended;
  return Object.assign(process, { code });
}

describe('cluster start, in the foreground', () => {
  it('shows addresses and events, obeys another terminal, and stops in order at Ctrl-C, however often it comes', async () => {
    const foreground = cluster(
      'start',
      '--replicas',
      '1',
      '--promote-after',
      '200ms',
      '--no-poolers',
      '--data-directory',
      place,
    );
    await eventually(() => foreground.stdout.includes('break it'));
    const url = /master +(postgres:\S+)/.exec(foreground.stdout)?.[1];
    const client = new pg.Client({ connectionString: url ?? '' });
    client.on('error', () => undefined);
    await client.connect();
    expect((await client.query('SELECT current_user AS me')).rows).toEqual([{ me: 'bauer' }]);

    const second = await run('start', '--data-directory', place);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(
      /^a cluster named default is running already \(supervisor \d+\): stop it, or choose another --name\n$/,
    );

    const fault = await run('fault', 'kill-primary', '--json');
    expect(fault.code).toBe(0);
    expect(JSON.parse(fault.stdout) as FaultStatus).toMatchObject({
      id: 'kill-primary-1',
      name: 'kill-primary',
      target: 'pg1',
    });
    await eventually(
      () =>
        foreground.stdout.includes('pg2 is primary on timeline 2') &&
        foreground.stdout.includes('pg1 follows pg2'),
    );

    const status = await run('status', '--json');
    expect(JSON.parse(status.stdout) as ClusterStatus).toMatchObject({ primary: 'pg2', timeline: 2 });
    expect((await run('status')).stdout).toMatch(/pg2 +127\.0\.0\.1:\d+ +running +primary +2 /);

    foreground.child.kill('SIGINT');
    foreground.child.kill('SIGINT');
    foreground.child.kill('SIGTERM');
    expect(await foreground.ended).toBe(0);
    expect(foreground.stdout).toContain('the cluster is stopped and its directory removed');
    expect(foreground.stderr).toBe('');
    expect(readdirSync(place)).toEqual([]);
  });

  it('ends with 130 and leaves nothing when Ctrl-C comes before it is up', async () => {
    const foreground = cluster('start', '--data-directory', place);
    await eventually(() => foreground.stdout.includes('creating pg1'));
    foreground.child.kill('SIGINT');
    expect(await foreground.ended).toBe(130);
    expect(readdirSync(place)).toEqual([]);
  });

  it('ends when somebody else stops the cluster', async () => {
    const foreground = cluster(
      'start',
      '--name',
      'other',
      '--replicas',
      '0',
      '--no-poolers',
      '--data-directory',
      place,
    );
    await eventually(() => foreground.stdout.includes('--name other'));
    expect((await run('stop', '--name', 'other')).code).toBe(0);
    expect(await foreground.ended).toBe(0);
  });
});

describe('cluster start --detach', () => {
  beforeAll(async () => {
    const started = await run(
      'start',
      '--detach',
      '--json',
      '--replicas',
      '1',
      '--no-poolers',
      '--data-directory',
      place,
    );
    expect(started.stderr).toBe('');
    expect(started.code).toBe(0);
    const lines = started.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-1)).toMatchObject({
      name: 'default',
      database: 'firmendaten',
      user: 'bauer',
      endpoints: { master: { host: '127.0.0.1' } },
    });
  });
  afterAll(async () => {
    expect(await run('stop')).toMatchObject({ code: 0, stdout: 'cluster default is stopped\n' });
    expect(await run('stop')).toMatchObject({
      code: 1,
      stderr: 'no cluster named default is running: start one with pnpm cluster start\n',
    });
  });

  it('applies a network fault for a while', async () => {
    const fault = await run(
      'fault',
      'latency',
      '--endpoint',
      'replica',
      '--latency-ms',
      '50ms',
      '--jitter-ms',
      '5ms',
      '--direction',
      'upstream',
      '--for',
      '10ms',
    );
    expect(fault).toMatchObject({ code: 0, stdout: 'latency-1 hit replica\nlatency-1 is undone\n' });
  });

  it('undoes one fault, or all', async () => {
    await run('fault', 'refuse');
    await run('fault', 'refuse', '--endpoint', 'replica');
    expect((await run('undo', 'refuse-2')).code).toBe(0);
    expect((JSON.parse((await run('status', '--json')).stdout) as ClusterStatus).faults).toMatchObject([
      { id: 'refuse-3' },
    ]);
    expect((await run('status')).stdout).toMatch(/fault refuse-3 on replica, for \d+ s/);
    expect((await run('undo')).code).toBe(0);
    expect((JSON.parse((await run('status', '--json')).stdout) as ClusterStatus).faults).toEqual([]);
    expect(await run('undo', 'nonsense')).toMatchObject({
      code: 2,
      stderr: 'no fault "nonsense" is in force (in force: none)\n',
    });
  });

  it('shows what happened and what happens', async () => {
    const events = cluster('events', '--json');
    await eventually(() => events.stdout.includes('"cluster:started"'));
    const { id } = JSON.parse((await run('fault', 'switchover', '--json')).stdout) as FaultStatus;
    await eventually(() => events.stdout.includes('"primary:promoted"') && events.stdout.includes(id));
    events.child.kill('SIGINT');
    expect(await events.ended).toBe(0);
    for (const line of events.stdout.trim().split('\n'))
      expect(JSON.parse(line)).toHaveProperty('event.type');
  });
});

describe('wrong usage', () => {
  it.each([
    [['fault', 'explode'], 2, /^unknown fault "explode" \(allowed: kill-primary, .*pause\)\n$/],
    [['fault'], 2, /^which fault\? \(allowed: /],
    [['fault', 'kill-primary', '--latency-ms', '5s'], 2, /option latencyMs: is not an option of it/],
    [['fault', 'two-masters', '--seed', '4'], 2, /option seed: 4 was given without chance/],
    [['fault', 'stale-pooler', '--server', 'pg2'], 2, /"pg2" was given \(allowed: demoted, primary\)/],
    [['fault', 'latency', '--latency-ms', 'long'], 2, /option latencyMs: "long" was given/],
    [
      ['fault', 'blackhole', '--endpoint', 'moon'],
      2,
      /"moon" was given \(allowed: master, replica, masterPooler, replicaPooler\)/,
    ],
    [
      ['fault', 'kill-primary'],
      1,
      /^no cluster named default is running: start one with pnpm cluster start\n$/,
    ],
    [['status', '--name', 'nobody'], 1, /^no cluster named nobody is running/],
    [['status', '--name', '../etc'], 2, /^cluster name "..\/etc" \(allowed: /],
    [['start', '--replicas', '9'], 2, /^option replicas: 9 was given \(allowed: an integer from 0 to 7\)\n$/],
    [['start', '--replicas', 'two'], 2, /Allowed: a whole number\./],
    [['start', '--promote-after', 'soon'], 2, /Allowed: a duration/],
    [['start', '--data-directory', '/does/not/exist'], 2, /can't be used \(ENOENT\)/],
    [['start', '--colour'], 2, /unknown option '--colour'/],
    [['launch'], 2, /unknown command 'launch'/],
  ])('%j ends with %i and one line', async (args, code, message) => {
    const result = await run(...args);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(result.code).toBe(code);
  });

  it('lists the faults', async () => {
    const { stdout, code } = await run('fault', '--list');
    expect(code).toBe(0);
    expect(stdout.split('\n').filter(Boolean)).toHaveLength(FAULT_NAMES.length);
  });
});
