/** Any cluster, with a lab in it that is this test's alone: nothing is touched that was there before. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFakeKubeApi } from '@schooldb/fake-kube-api';
import { shippedText } from '../../scripts/crds/shipped.ts';
import { examineLab } from '../../src/config/examine.ts';
import type { Lab } from '../../src/config/lab.ts';
import type { KubeAnswer, KubeConnection, KubeRequest } from '../../src/kube/connection.ts';
import { KubeApi, resourceOf } from '../../src/kube/kube-api.ts';
import { connect } from '../../src/kube/kubeconfig.ts';
import { conditionOf } from '../../src/kube/live-object.ts';
import { PACE } from '../../src/kube/pace.ts';
import type { Pace } from '../../src/kube/pace.ts';
import { pathOf, resourceText } from '../../src/kube/resource.ts';
import type { Resource } from '../../src/kube/resource.ts';
import { secretValues } from '../../src/kube/secret-values.ts';
import type { Manifest, ManifestStep } from '../../src/manifests/manifest.ts';
import { manifestSteps } from '../../src/manifests/steps.ts';
import { SecretFiller } from '../../src/secrets/secret-filler.ts';

/** Which cluster: that of a kubeconfig, or one of our own, as a lab or as an API server alone. */
export type Kind = 'real' | 'lab' | 'bare';

export interface AnyCluster {
  readonly lab: Lab;
  /** What can be applied here, and is nobody else's. */
  readonly steps: readonly ManifestStep[];
  /** What cannot, with the reason. */
  readonly leftOut: readonly string[];
  readonly kube: KubeApi;
  readonly pace: Pace;
  readonly newKube: (signal: AbortSignal) => KubeApi;
  readonly newFiller: () => SecretFiller;
  /** Requests that were to change something since this was last asked. */
  readonly takeWrites: () => string[];
  /** A change by another hand. */
  readonly patchAs: (manager: string, resource: Resource, patch: object) => Promise<void>;
  /** Whether pods can run: a node is ready. */
  readonly hasNodes: boolean;
  /** Whether anything but the API server acts: a new namespace gets its account. */
  readonly hasControllers: boolean;
  readonly close: () => Promise<void>;
}

const REAL_PACE: Pace = { ...PACE, pollMs: 250 };
const FAKE_PACE: Pace = { ...PACE, requestTimeoutMs: 30_000, backoffBaseMs: 5, backoffCapMs: 20, pollMs: 20 };

export async function openCluster(kind: Kind, kubeconfig: string | undefined): Promise<AnyCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'schooldb-any-'));
  const server = kind === 'real' ? undefined : await startFakeKubeApi(kind === 'lab' ? { lab: {} } : {});
  const file = kubeconfig ?? join(directory, 'kubeconfig');
  if (server !== undefined) await writeFile(file, server.kubeconfig());
  const counting = new CountingConnection(connect(file, {}));
  const pace = kind === 'real' ? REAL_PACE : FAKE_PACE;
  const newKube = (signal: AbortSignal) => new KubeApi(counting, pace, signal);
  const kube = newKube(new AbortController().signal);
  const lab = ownLab();
  const nodes = await kube.list('Node');
  const hasNodes = nodes.some((node) => conditionOf(node, 'Ready')?.status === 'True');
  const { steps, leftOut } = await ownSteps(kube, lab, hasNodes);
  const definitions = new Set(
    (await kube.list('CustomResourceDefinition')).map(({ metadata }) => metadata.name),
  );
  return {
    lab,
    steps,
    leftOut,
    kube,
    pace,
    newKube,
    newFiller: () =>
      new SecretFiller(lab, {
        directory,
        environment: {},
        present: (name) => secretValues(kube, lab.cluster.namespace, name),
        now: () => Date.now(),
      }),
    takeWrites: () => counting.takeWrites(),
    async patchAs(manager, resource, patch) {
      const path = `${pathOf(resource)}?fieldManager=${manager}`;
      const request = { method: 'PATCH', path, body: patch, bodyType: 'merge' } as const;
      const { status, body } = await counting.send(request, AbortSignal.timeout(30_000));
      if (status !== 200) throw new Error(`${resourceText(resource)}: ${status} ${body}`);
      counting.takeWrites();
    },
    hasNodes,
    hasControllers: kind === 'lab' || (kind === 'real' && (await hasControllers(kube))),
    async close() {
      await clearUp(kube, counting, steps);
      await removeDefinitions(kube, definitions);
      counting.close();
      await server?.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** The shipped lab under a name and in a namespace that nobody has, with addresses that lead nowhere (RFC 5737). */
function ownLab(): Lab {
  const id = `schooldb-test-${randomBytes(4).toString('hex')}`;
  const text = shippedText('lab.yaml')
    .replace('name: wichtige-daten-3', `name: ${id}`)
    .replace('namespace: default', `namespace: ${id}`)
    .replaceAll('10.0.145.', '198.51.100.');
  const examined = examineLab(text);
  if (!examined.ok) throw new Error(JSON.stringify(examined.problems));
  return examined.lab;
}

async function ownSteps(
  kube: KubeApi,
  lab: Lab,
  hasNodes: boolean,
): Promise<{ steps: ManifestStep[]; leftOut: string[] }> {
  const leftOut: string[] = [];
  const steps: ManifestStep[] = [];
  for (const { id, manifests } of manifestSteps(lab, { helperSql: 'SELECT 1;' })) {
    const own: Manifest[] = [];
    for (const manifest of manifests) {
      // Its definition comes with the charts, where somebody can install them.
      const isBrought = hasNodes && steps.some((step) => step.id === 'charts');
      const reason = await reasonToLeaveOut(kube, lab, manifest, isBrought);
      if (reason === undefined) own.push(manifest);
      else leftOut.push(`${resourceText(resourceOf(manifest.object))}: ${reason}`);
    }
    if (own.length > 0) steps.push({ id, manifests: own });
  }
  return { steps, leftOut };
}

async function reasonToLeaveOut(
  kube: KubeApi,
  lab: Lab,
  { object, onlyWithCrd }: Manifest,
  isBrought: boolean,
): Promise<string | undefined> {
  const resource = resourceOf(object);
  const { state } = await kube.get(resource);
  if (state === 'found') return 'it is there, and not of this test';
  if (state === 'kind-absent' && (!isBrought || onlyWithCrd !== undefined))
    return 'its CustomResourceDefinition is absent';
  // A policy in somebody's namespace would close what runs there.
  const { namespace } = resource;
  if (object.kind !== 'NetworkPolicy' || namespace === undefined || namespace === lab.cluster.namespace)
    return undefined;
  const home = await kube.get({ kind: 'Namespace', name: namespace });
  return home.state === 'found' ? `its namespace is not of this test` : undefined;
}

/** A namespace's default account is made by the controller manager. It was given time: the standard ones are old. */
async function hasControllers(kube: KubeApi): Promise<boolean> {
  const claims = await kube.get({ kind: 'ConfigMap', namespace: 'kube-system', name: 'kube-root-ca.crt' });
  return claims.state === 'found';
}

/** Whatever a test has left, and what nobody but a controller would take away. */
async function clearUp(
  kube: KubeApi,
  connection: KubeConnection,
  steps: readonly ManifestStep[],
): Promise<void> {
  for (const { manifests } of steps.toReversed()) {
    for (const { object } of manifests.toReversed()) {
      const resource = resourceOf(object);
      const observed = await kube.get(resource);
      if (observed.state !== 'found') continue;
      if (observed.object.metadata.deletionTimestamp === undefined)
        await kube.delete(resource, { uid: observed.object.metadata.uid });
      if (object.kind.startsWith('PersistentVolume') && (await kube.get(resource)).state === 'found')
        await kube.merge(resource, { metadata: { finalizers: null } }).catch(() => {});
      if (object.kind === 'Namespace') await finalize(connection, object.metadata.name);
    }
  }
}

/** Helm leaves behind what a chart has defined. What was there before stays. */
async function removeDefinitions(kube: KubeApi, before: ReadonlySet<string>): Promise<void> {
  for (const { metadata } of await kube.list('CustomResourceDefinition')) {
    if (before.has(metadata.name) || !/\.(?:acid\.zalan\.do|metallb\.io|longhorn\.io)$/.test(metadata.name))
      continue;
    await kube.delete({ kind: 'CustomResourceDefinition', name: metadata.name }, { uid: metadata.uid });
  }
}

/** Without a controller manager a namespace would be terminating for ever. All that we made in it is gone. */
async function finalize(connection: KubeConnection, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${name}/finalize`;
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: { finalizers: [] } };
  const kube = await connection.send(
    { method: 'GET', path: `/api/v1/namespaces/${name}` },
    AbortSignal.timeout(30_000),
  );
  if (kube.status === 200) await connection.send({ method: 'PUT', path, body }, AbortSignal.timeout(30_000));
}

/** Counts what would change something, on any server. */
class CountingConnection implements KubeConnection {
  readonly #inner: KubeConnection;
  #writes: string[] = [];

  constructor(inner: KubeConnection) {
    this.#inner = inner;
  }

  get server(): string {
    return this.#inner.server;
  }

  get context(): string {
    return this.#inner.context;
  }

  get pods(): KubeConnection['pods'] {
    return this.#inner.pods;
  }

  send(request: KubeRequest, signal: AbortSignal): Promise<KubeAnswer> {
    if (request.method !== 'GET' && !request.path.includes('dryRun=All'))
      this.#writes.push(`${request.method} ${request.path}`);
    return this.#inner.send(request, signal);
  }

  takeWrites(): string[] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }

  close(): void {
    this.#inner.close();
  }
}
