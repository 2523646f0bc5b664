/** Two runs at the same time, and runs that have died. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { FakeKubeApi, KubeObject } from '@schooldb/fake-kube-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { DeployError } from '../src/errors/deploy-error.ts';
import { KubeApi } from '../src/kube/kube-api.ts';
import { connect } from '../src/kube/kubeconfig.ts';
import { ClusterLock, LOCK_PACE } from '../src/lock/cluster-lock.ts';
import type { LockPace } from '../src/lock/cluster-lock.ts';
import { thisRun } from '../src/lock/holder.ts';
import { LEASE, leaseObject } from '../src/lock/lease.ts';
import { QUICK, useCluster, writesTo } from './support/use-cluster.ts';

const CLUSTER = 'wichtige-daten-3';
const STRANGER = { identity: 'root@gl2/4711/cafe', process: undefined };

function leaseIn({ api }: FakeKubeApi): KubeObject | undefined {
  return api.store.list('coordination.k8s.io/leases').find(({ metadata }) => metadata.name === LEASE.name);
}

const HOUR_MS = 3_600_000;

/** As if another machine held it, for an hour since then. */
function heldByStranger(server: FakeKubeApi, renewedMs = Date.now()): void {
  const { api } = server;
  const type = api.registry.findKind('coordination.k8s.io/v1', 'Lease');
  if (type === undefined) throw new Error('no Leases');
  const before = leaseIn(server);
  const target = { type, namespace: LEASE.namespace ?? '', name: LEASE.name };
  if (before !== undefined) api.delete(target);
  const record = { holder: STRANGER, acquiredMs: renewedMs, renewedMs, durationMs: HOUR_MS, transitions: 0 };
  api.create(target, leaseObject(record), { manager: 'stranger' });
}

describe('two applies at the same time', () => {
  it('are told apart: the second is refused with who holds the cluster, and writes nothing', async () => {
    const { server, deploy } = await useCluster();
    server.lab.faults.stuckStatus.set(CLUSTER, 'Creating');
    const first = deploy(['apply', '--yes']);
    await vi.waitFor(() => expect(leaseIn(server)).toBeDefined(), { timeout: 60_000 });

    const before = writesTo(server).length;
    const second = await deploy(['apply', '--yes', '--only', 'helper-schema']);
    expect(second.code).toBe(EXIT.locked);
    expect(second.err).toContain(`@${hostname()} (process ${process.pid}), since `);
    expect(second.err).toContain('its lock ends by itself in ');
    const german = await deploy(['apply', '--yes', '--only', 'helper-schema', '--lang', 'de']);
    expect(german.code).toBe(EXIT.locked);
    expect(german.err).toContain('Warten, bis er fertig ist');
    // Nobody is asked for what cannot be done.
    const asked = await deploy(['apply', '--only', 'helper-schema'], {
      ask: () => Promise.reject(new Error('asked')),
    });
    expect(asked.code).toBe(EXIT.locked);
    // Looking is no change.
    expect((await deploy(['plan'])).code).toBe(EXIT.changes);
    const jobs = writesTo(server)
      .slice(before)
      .filter(({ resource }) => resource === 'jobs');
    expect(jobs).toEqual([]);

    server.lab.faults.stuckStatus.clear();
    expect(await first).toMatchObject({ code: EXIT.ok });
    expect(leaseIn(server)).toBeUndefined();
  });

  it('give the lock back when they fail, too', async () => {
    const { server, deploy } = await useCluster();
    server.faults.add({
      match: { resource: 'storageclasses', verb: 'apply' },
      effect: { kind: 'status', code: 500 },
    });
    expect((await deploy(['apply', '--yes', '--only', 'storage'])).code).toBe(EXIT.failed);
    expect(leaseIn(server)).toBeUndefined();
  });
});

describe('the lock of another machine', () => {
  it('is respected while its holder shows signs of life', async () => {
    const { server, deploy } = await useCluster();
    heldByStranger(server);
    const { code, err } = await deploy(['apply', '--yes']);
    expect(code).toBe(EXIT.locked);
    expect(err).toMatch(/root@gl2 \(process 4711\), since .*last sign of life \d+ s ago/);
    expect(writesTo(server)).toEqual([]);
  });

  it('is taken over once it has ended, and that is said', async () => {
    const { server, deploy } = await useCluster();
    heldByStranger(server, Date.now() - 2 * HOUR_MS);
    const { code, out } = await deploy(['apply', '--yes', '--only', 'storage']);
    expect(code).toBe(EXIT.ok);
    expect(out).toContain('The run of root@gl2 (process 4711) is dead; its lock has been taken over.');
    expect(leaseIn(server)).toBeUndefined();
  });
});

describe('the lock', () => {
  async function useLock(pace: Partial<LockPace> = {}) {
    const { server, directory } = await useCluster();
    const connection = connect(join(directory, 'kubeconfig'), {});
    const kube = new KubeApi(connection, QUICK, new AbortController().signal);
    const newLock = () => new ClusterLock(kube, thisRun(), { pace: { ...LOCK_PACE, ...pace } });
    const lock = newLock();
    onTestFinished(async () => {
      await lock.release();
      connection.close();
    });
    return { server, kube, lock, newLock };
  }

  it('is renewed while it is held, and kept from others', async () => {
    const { server, lock, newLock } = await useLock({ renewEveryMs: 20 });
    expect(await lock.hold()).toBe('taken');
    expect(await lock.hold()).toBe('held');
    const version = leaseIn(server)?.metadata.resourceVersion;
    await vi.waitFor(() => expect(leaseIn(server)?.metadata.resourceVersion).not.toBe(version), 30_000);
    const other = newLock();
    await expect(other.check()).rejects.toThrow(DeployError);
    await expect(other.hold()).rejects.toMatchObject({ failure: { code: 'locked' } });
    await lock.release();
    expect(await other.hold()).toBe('taken');
    await other.release();
    expect(leaseIn(server)).toBeUndefined();
  });

  it('is given to one of many that want it at once', async () => {
    const { server, newLock } = await useLock();
    const locks = Array.from({ length: 8 }, newLock);
    const outcomes = await Promise.allSettled(locks.map((each) => each.hold()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of locks) await each.release();
    expect(leaseIn(server)).toBeUndefined();
  });

  it.each(['create', 'update', 'delete'] as const)('stands the lost answer to its %s', async (verb) => {
    const { server, lock } = await useLock({ renewEveryMs: 20 });
    const fault = server.faults.add({
      match: { resource: 'leases', verb },
      effect: { kind: 'lose-answer' },
      times: 2,
    });
    expect(await lock.hold()).toBe('taken');
    if (verb === 'update') await vi.waitFor(() => expect(fault.met).toBe(2), 30_000);
    expect(await lock.hold()).toBe('held');
    await lock.release();
    expect(fault.met).toBeGreaterThan(0);
    expect(leaseIn(server)).toBeUndefined();
  });

  it('that has become another one under the same name is not deleted', async () => {
    const { server, kube, lock } = await useLock();
    await lock.hold();
    const { uid = '' } = leaseIn(server)?.metadata ?? {};
    heldByStranger(server);
    await expect(kube.delete(LEASE, { uid })).rejects.toMatchObject({ details: { status: 409 } });
    await lock.release();
    expect(leaseIn(server)?.['spec']).toMatchObject({ holderIdentity: STRANGER.identity });
  });

  it('that another has taken meanwhile is lost for good, and stays with the other', async () => {
    const { server, lock } = await useLock({ renewEveryMs: 20 });
    await lock.hold();
    heldByStranger(server);
    await vi.waitFor(
      () =>
        expect(lock.hold()).rejects.toMatchObject({
          failure: { code: 'lock-lost', holder: 'root@gl2 (process 4711)' },
        }),
      30_000,
    );
    await lock.release();
    expect(leaseIn(server)?.['spec']).toMatchObject({ holderIdentity: STRANGER.identity });
  });

  it('that somebody has deleted is made again', async () => {
    const { server, kube, lock } = await useLock({ renewEveryMs: 20 });
    await lock.hold();
    const uid = leaseIn(server)?.metadata.uid;
    await kube.delete(LEASE, { uid });
    await vi.waitFor(() => expect(leaseIn(server)?.metadata.uid).not.toBe(uid), 30_000);
    await vi.waitFor(() => expect(leaseIn(server)).toBeDefined(), 30_000);
    expect(await lock.hold()).toBe('held');
  });
});
