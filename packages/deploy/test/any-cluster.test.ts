/**
 * What apply promises, on any cluster: in `npm test` on an API server of our own, as a lab and alone; by
 * `pnpm test:cluster --kubeconfig FILE` on a real one. Only what can be told through the API is looked at. It makes a
 * lab under a name of its own, and takes it away.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fates } from '../src/destroy/fate.ts';
import { runDestroy } from '../src/destroy/run-destroy.ts';
import { DeployError } from '../src/errors/deploy-error.ts';
import { resourceOf } from '../src/kube/kube-api.ts';
import { resourceText } from '../src/kube/resource.ts';
import { ClusterLock } from '../src/lock/cluster-lock.ts';
import { thisRun } from '../src/lock/holder.ts';
import { LEASE } from '../src/lock/lease.ts';
import type { Manifest } from '../src/manifests/manifest.ts';
import { isDue, planSteps } from '../src/plan/plan.ts';
import type { PlannedResource } from '../src/plan/versions.ts';
import { runSteps } from '../src/steps/run-steps.ts';
import type { Progress } from '../src/steps/run-steps.ts';
import { waitsAfter } from '../src/steps/waits.ts';
import { openCluster } from './support/any-cluster.ts';
import type { AnyCluster, Kind } from './support/any-cluster.ts';

const KUBECONFIG = process.env['SCHOOLDB_TEST_KUBECONFIG'];
const KINDS: readonly Kind[] = KUBECONFIG === undefined ? ['lab', 'bare'] : ['real'];
const LONG_MS = KUBECONFIG === undefined ? 300_000 : 1_800_000;
const PART_OF = 'app.kubernetes.io/part-of';

describe.each(KINDS)('a cluster (%s)', (kind) => {
  let cluster: AnyCluster;
  beforeAll(async () => {
    cluster = await openCluster(kind, KUBECONFIG);
    for (const each of cluster.leftOut) console.log(`left out: ${each}`);
    if (!cluster.hasNodes) console.log('no node is ready: nothing is awaited that needs pods');
    if (!cluster.hasControllers) console.log('no controller manager: namespaces and claims are not awaited');
  }, LONG_MS);
  afterAll(() => cluster.close(), LONG_MS);

  const manifests = (): Manifest[] => cluster.steps.flatMap((step) => step.manifests);
  const plan = async (forced: readonly string[] = []): Promise<PlannedResource[]> => {
    const { kube, steps, newFiller } = cluster;
    const plans = await planSteps(kube, steps, { filler: newFiller(), forced: new Set(forced) });
    return plans.flatMap(({ resources }) => resources);
  };
  const apply = async (
    options: {
      forced?: readonly string[];
      kube?: AnyCluster['kube'];
      report?: (progress: Progress) => void;
    } = {},
  ): Promise<void> => {
    const { kube, lab, pace, newFiller, hasNodes, steps } = cluster;
    const waits: typeof waitsAfter = (of, step) => (hasNodes ? waitsAfter(of, step) : []);
    const forced = new Set(options.forced);
    const lock = { hold: async () => 'held' as const };
    await runSteps({ kube, lab, pace, lock, newFiller, waits, report: () => {}, ...options, forced }, steps);
  };
  const uids = async (): Promise<Record<string, string | undefined>> => {
    const found = await Promise.all(
      manifests().map(async ({ object }) => {
        const observed = await cluster.kube.get(resourceOf(object));
        const uid = observed.state === 'found' ? observed.object.metadata.uid : undefined;
        return [resourceText(resourceOf(object)), uid] as const;
      }),
    );
    return Object.fromEntries(found);
  };

  it('is planned without a write', async () => {
    const planned = await plan();
    expect(planned.map(({ action }) => action)).toEqual(manifests().map(() => 'create'));
    expect(cluster.takeWrites()).toEqual([]);
  });

  it('is applied, stopped after each write and resumed', { timeout: LONG_MS }, async () => {
    let stops = 0;
    for (;;) {
      const stopping = new AbortController();
      const report = ({ type }: Progress): void => {
        if (type === 'object:written') stopping.abort();
      };
      const outcome = await apply({ kube: cluster.newKube(stopping.signal), report }).then(
        () => 'done',
        (error: unknown) => {
          if (!stopping.signal.aborted) throw error;
          return 'stopped';
        },
      );
      if (outcome === 'done' && !stopping.signal.aborted) break;
      stops += 1;
    }
    expect(stops).toBe(manifests().length);
    const made = await uids();
    for (const [resource, uid] of Object.entries(made)) expect(uid, resource).toBeDefined();
  });

  it('has nothing to do then, and writes nothing', { timeout: LONG_MS }, async () => {
    const before = await uids();
    cluster.takeWrites();
    expect((await plan()).filter(isDue)).toEqual([]);
    await apply();
    expect(cluster.takeWrites()).toEqual([]);
    expect(await uids()).toEqual(before);
  });

  it('names and mends what somebody takes away, object by object', { timeout: LONG_MS }, async () => {
    for (const { object } of manifests())
      await cluster.patchAs('kubectl-edit', resourceOf(object), {
        metadata: { labels: { [PART_OF]: null } },
      });
    const planned = await plan();
    for (const each of planned)
      expect(each, resourceText(each.resource)).toMatchObject({
        action: 'change',
        fields: [{ path: `metadata.labels["${PART_OF}"]`, after: cluster.lab.cluster.name }],
      });
    await apply();
    expect((await plan()).filter(isDue)).toEqual([]);
  });

  it(
    'tells whose the fields are that others write, and takes them only by force',
    { timeout: LONG_MS },
    async () => {
      const theirs = { metadata: { labels: { [PART_OF]: 'somebody-else' } } };
      for (const { object } of manifests()) await cluster.patchAs('kubectl-edit', resourceOf(object), theirs);
      const planned = await plan();
      for (const each of planned)
        expect(each, resourceText(each.resource)).toMatchObject({
          action: 'conflict',
          owners: [{ manager: 'kubectl-edit', fields: [`.metadata.labels.${PART_OF}`] }],
        });
      cluster.takeWrites();
      await expect(apply()).rejects.toThrow(DeployError);
      expect(cluster.takeWrites()).toEqual([]);
      await apply({ forced: planned.map(({ resource }) => resourceText(resource)) });
      expect((await plan()).filter(isDue)).toEqual([]);
    },
  );

  it('has one lock', async ({ skip }) => {
    const { kube } = cluster;
    skip((await kube.get(LEASE)).state === 'found', 'somebody is deploying to this cluster');
    const [first, second] = [new ClusterLock(kube, thisRun()), new ClusterLock(kube, thisRun())];
    try {
      expect(await first.hold()).toBe('taken');
      await expect(second.hold()).rejects.toMatchObject({ failure: { code: 'locked' } });
    } finally {
      await first.release();
    }
    expect(await second.hold()).toBe('taken');
    await second.release();
    expect((await kube.get(LEASE)).state).toBe('absent');
  });

  it('is destroyed, data and all, and nothing of it is left', { timeout: LONG_MS }, async () => {
    const { kube, lab, pace, steps, hasControllers } = cluster;
    const everything = { volumes: true, secrets: true, backups: true };
    const found = await fates(kube, lab, steps, everything);
    expect(found.filter(({ goes }) => !goes)).toEqual([]);
    // Somebody has to empty a namespace, and to find that a claim is not in use.
    const held = new Set(hasControllers ? [] : ['Namespace', 'PersistentVolume', 'PersistentVolumeClaim']);
    const going = found.filter(({ resource }) => !held.has(resource.kind));
    const lock = { hold: async () => 'held' as const };
    await runDestroy({ kube, lab, pace, lock, report: () => {} }, going);
    const left = (await fates(kube, lab, steps, everything)).map(({ resource }) => resource.kind);
    expect(left.filter((each) => !held.has(each))).toEqual([]);
  });
});
