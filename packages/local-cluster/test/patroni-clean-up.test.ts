import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCluster, type Address, type ClusterOptions } from '../src/index.ts';
import { descendantsOf } from '../src/process/process-table.ts';
import { eventually } from './support/clients.ts';
import { directoryOf, footprintOf, leftoversOf, type Footprint } from './support/leftovers.ts';
import { FAILOVER_MS, patroniSkipped, patroniSuite } from './support/patroni.ts';
import { firstLine, OWNER, spawnNode, type SpawnNodeOptions } from './support/spawn-node.ts';

const SMALL: ClusterOptions = { engine: 'patroni', replicas: 1 };

describe.skipIf(patroniSkipped)(patroniSuite('what is left of a cluster under Patroni'), () => {
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

  async function startOwner(options: ClusterOptions, how: SpawnNodeOptions = {}) {
    const owner = spawnNode([OWNER, JSON.stringify({ dataDirectory: place, ...options })], how);
    const announced = await firstLine<{ connectionString: string; addresses: Address[]; error?: string }>(
      owner,
      FAILOVER_MS,
    );
    expect(announced.error).toBeUndefined();
    const directory = directoryOf({ connectionString: () => announced.connectionString });
    const footprint = footprintOf(owner.pid, directory, announced.addresses);
    const names = new Set(programsIn(footprint));
    for (const program of ['etcd', 'haproxy', 'postgres', 'python3']) expect(names).toContain(program);
    return { owner, footprint };
  }

  it('nothing when its owner is killed', async () => {
    const { owner, footprint } = await startOwner(SMALL);
    owner.child.kill('SIGKILL');
    await owner.ended;
    await expectGone(footprint);
  });

  it('nothing when its supervisor is killed, also with frozen and with orphaned servers', async () => {
    const before = new Set(descendantsOf([process.pid]).map(({ pid }) => pid));
    const cluster = await startCluster({ dataDirectory: place, ...SMALL });
    const supervisor = descendantsOf([process.pid]).find(
      ({ pid, parent }) => parent === process.pid && !before.has(pid),
    );
    const { primary, servers } = await cluster.status();
    const standby = servers.find(({ name }) => name !== primary)?.name ?? '';
    await cluster.fault('kill-agent', { server: standby });
    await cluster.fault('freeze-primary');
    const addresses = [cluster.endpoints.master, ...servers.map(({ host, port }) => ({ host, port }))];
    const footprint = footprintOf(supervisor?.pid ?? 0, directoryOf(cluster), addresses);
    process.kill(supervisor?.pid ?? 0, 'SIGKILL');
    await cluster.ended;
    await expectGone(footprint);
    await cluster.stop();
  });

  it('one line when it cannot start, and nothing else', async () => {
    for (const [settings, message] of [
      [{ work_mem: '1kB' }, /^option settings\.work_mem: 1 kB is outside the valid range/],
      [{ no_such_setting: '1' }, /^option settings\.no_such_setting: unrecognized configuration parameter/],
    ] as const) {
      const starting = startCluster({ dataDirectory: place, ...SMALL, settings });
      const error: unknown = await starting.catch((reason: unknown) => reason);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).not.toContain('\n');
      expect(readdirSync(place)).toEqual([]);
    }
  });

  it('nothing when its start is given up', async () => {
    const giveUp = new AbortController();
    const starting = startCluster({ dataDirectory: place, ...SMALL, signal: giveUp.signal });
    starting.catch(() => undefined);
    await eventually(() => readdirSync(place).some((name) => existsSync(join(place, name, 'pg1', 'data'))));
    giveUp.abort();
    await expect(starting).rejects.toThrow(/abort/);
    expect(readdirSync(place)).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('nothing of an ordinary user’s, whose own everything is', async () => {
    const userPlace = join(place, 'of-nobody');
    mkdirSync(userPlace);
    chmodSync(userPlace, 0o777);
    const { owner, footprint } = await startOwner(
      { ...SMALL, dataDirectory: userPlace },
      {
        uid: 65_534,
        gid: 65_534,
        node: reachableNode(place),
        env: { HOME: '/nonexistent', XDG_RUNTIME_DIR: userPlace },
      },
    );
    owner.child.kill('SIGTERM');
    expect(await owner.ended).toBe(0);
    await expectGone(footprint);
  });
});

async function expectGone(footprint: Footprint): Promise<void> {
  await eventually(async () => {
    expect(await leftoversOf(footprint)).toEqual([]);
    return true;
  });
}

/** Names of what runs, `python3` without its minor version. */
function programsIn({ processes }: Footprint): string[] {
  return processes.flatMap(({ pid }) => {
    try {
      const path = realpathSync(`/proc/${pid}/exe`);
      return [(path.split('/').at(-1) ?? '').replace(/^(python3).*/, '$1')];
    } catch {
      return []; // gone meanwhile
    }
  });
}

/** A Node that other users may run, ours being possibly somewhere under /root. */
function reachableNode(place: string): string {
  const path = join(place, 'node');
  try {
    linkSync(realpathSync(process.execPath), path);
  } catch {
    copyFileSync(process.execPath, path);
  }
  chmodSync(path, 0o755);
  return path;
}
