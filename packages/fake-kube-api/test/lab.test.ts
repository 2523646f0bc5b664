import { AppsV1Api, BatchV1Api, StorageV1Api } from '@kubernetes/client-node';
import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../src/index.ts';
import { applyWhenPossible, database, helmChart, installLab, pool, SOON } from './support/lab.ts';
import {
  configMap,
  deployment,
  failureOf,
  useFakeKubeApi,
  type Clients,
} from './support/use-fake-kube-api.ts';

const POSTGRESQL = {
  group: 'acid.zalan.do',
  version: 'v1',
  namespace: 'default',
  plural: 'postgresqls',
  name: 'wichtige-daten-3',
};

async function statusOf({ custom }: Clients): Promise<string | undefined> {
  const read = (await custom.getNamespacedCustomObject(POSTGRESQL)) as {
    status?: { PostgresClusterStatus?: string };
  };
  return read.status?.PostgresClusterStatus;
}

async function addresses({ core }: Clients): Promise<Record<string, string | undefined>> {
  const { items } = await core.listNamespacedService({ namespace: 'default' });
  return Object.fromEntries(
    items.map(({ metadata, status }) => [metadata?.name ?? '', status?.loadBalancer?.ingress?.[0]?.ip]),
  );
}

async function roles({ core }: Clients): Promise<Record<string, string | undefined>> {
  const { items } = await core.listNamespacedPod({
    namespace: 'default',
    labelSelector: 'application=spilo,cluster-name=wichtige-daten-3',
  });
  return Object.fromEntries(
    items.map(({ metadata }) => [metadata?.name ?? '', metadata?.labels?.['spilo-role']]),
  );
}

describe('workloads', () => {
  it('get their pods, one step after the other, on the clock', async () => {
    const clock = new ManualClock();
    const { objects, core, config } = await useFakeKubeApi({ clock, lab: { podStartMs: 5_000 } });
    await objects.create(deployment('web', {}, { replicas: 2 }));
    const phases = async () =>
      (await core.listNamespacedPod({ namespace: 'default' })).items.map(({ status }) => status?.phase);
    clock.advance(1_000);
    expect(await phases()).toEqual(['Pending', 'Pending']);
    clock.advance(5_000);
    expect(await phases()).toEqual(['Running', 'Running']);
    const read = await config
      .makeApiClient(AppsV1Api)
      .readNamespacedDeployment({ name: 'web', namespace: 'default' });
    expect(read.status).toMatchObject({
      replicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      observedGeneration: 1,
    });
    expect(read.status?.conditions?.find(({ type }) => type === 'Available')?.status).toBe('True');
  });

  it('take their pods with them, and pods come back that are deleted alone', async () => {
    const clock = new ManualClock();
    const { objects, core } = await useFakeKubeApi({ clock, lab: {} });
    await objects.create(deployment('web'));
    clock.advance(1_000);
    const [pod] = (await core.listNamespacedPod({ namespace: 'default' })).items;
    await core.deleteNamespacedPod({ name: pod?.metadata?.name ?? '', namespace: 'default' });
    clock.advance(1_000);
    const [next] = (await core.listNamespacedPod({ namespace: 'default' })).items;
    expect(next?.status?.phase).toBe('Running');
    expect(next?.metadata?.uid).not.toBe(pod?.metadata?.uid);
    await objects.delete(deployment('web'), undefined, undefined, undefined, undefined, 'Foreground');
    expect((await objects.read(deployment('web') as never)).metadata?.finalizers).toEqual([
      'foregroundDeletion',
    ]);
    clock.advance(1_000);
    expect((await core.listNamespacedPod({ namespace: 'default' })).items).toEqual([]);
    expect((await failureOf(objects.read(deployment('web') as never))).code).toBe(404);
  });

  it('are orphaned if that is asked for', async () => {
    const clock = new ManualClock();
    const { objects, core } = await useFakeKubeApi({ clock, lab: {} });
    await objects.create(deployment('web'));
    clock.advance(1_000);
    await objects.delete(deployment('web'), undefined, undefined, undefined, undefined, 'Orphan');
    clock.advance(1_000);
    expect((await core.listNamespacedPod({ namespace: 'default' })).items).toHaveLength(1);
  });

  it('leave a namespace that is deleted', async () => {
    const clock = new ManualClock();
    const { core } = await useFakeKubeApi({ clock, lab: {} });
    await core.createNamespace({ body: { metadata: { name: 'old' } } });
    await core.createNamespacedConfigMap({ namespace: 'old', body: { metadata: { name: 'x' } } });
    await core.deleteNamespace({ name: 'old' });
    expect((await core.readNamespace({ name: 'old' })).status?.phase).toBe('Terminating');
    const refused = await failureOf(
      core.createNamespacedConfigMap({ namespace: 'old', body: { metadata: { name: 'y' } } }),
    );
    expect(refused.body).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      details: { causes: [{ reason: 'NamespaceTerminating' }] },
    });
    clock.advance(1_000);
    expect((await failureOf(core.readNamespace({ name: 'old' }))).code).toBe(404);
  });
});

describe('HelmChart', () => {
  it('becomes a Job, definitions and workloads', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    await clients.apply(helmChart('csi-driver-smb', 'kube-system'));
    await clients.apply(helmChart('longhorn', 'longhorn-system'));
    await vi.waitFor(async () => {
      const job = await clients.config
        .makeApiClient(BatchV1Api)
        .readNamespacedJob({ name: 'helm-install-longhorn', namespace: 'kube-system' });
      expect(job.status?.succeeded).toBe(1);
      const { items } = await clients.config.makeApiClient(AppsV1Api).listDeploymentForAllNamespaces();
      expect(
        items.filter(({ status }) => (status?.readyReplicas ?? 0) > 0).map(({ metadata }) => metadata?.name),
      ).toEqual(expect.arrayContaining(['csi-smb-controller', 'longhorn-ui']));
    }, SOON);
    const { items } = await clients.config.makeApiClient(StorageV1Api).listStorageClass();
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['local-path', 'longhorn']);
  });

  it('says why it failed', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    clients.server.lab.faults.failingCharts.add('metallb');
    await clients.apply(helmChart('metallb', 'metallb-system'));
    await vi.waitFor(async () => {
      const chart = await clients.objects.read(helmChart('metallb', 'metallb-system') as never);
      expect((chart as { status?: object }).status).toMatchObject({
        conditions: [
          { type: 'JobCreated' },
          { type: 'Failed', status: 'True', message: expect.stringContaining('INSTALLATION FAILED') },
        ],
      });
    }, SOON);
  });

  it('takes with it what it installed, but no definitions', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    await clients.apply(helmChart('metallb', 'metallb-system'));
    await applyWhenPossible(clients, pool('general', ['10.0.145.130/32']));
    await clients.objects.delete(helmChart('metallb', 'metallb-system'));
    await vi.waitFor(async () => {
      expect(
        (
          await clients.config
            .makeApiClient(AppsV1Api)
            .listNamespacedDeployment({ namespace: 'metallb-system' })
        ).items,
      ).toEqual([]);
    }, SOON);
    expect(await clients.objects.read(pool('general', []) as never)).toBeDefined();
  });
});

describe('MetalLB', () => {
  it('refuses pools until its webhook answers, and bad ones then', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    clients.server.lab.faults.webhookRefusals = 2;
    await clients.apply(helmChart('metallb', 'metallb-system'));
    const refusals: string[] = [];
    await vi.waitFor(async () => {
      try {
        await clients.apply(pool('one', ['10.0.145.130-10.0.145.134']));
      } catch (error) {
        refusals.push(String((error as { body?: unknown }).body));
        throw error;
      }
    }, SOON);
    expect(refusals.filter((text) => text.includes('failed calling webhook')).length).toBeGreaterThanOrEqual(
      2,
    );
    const overlap = await failureOf(clients.apply(pool('two', ['10.0.145.134/32'])));
    expect(overlap.body).toMatchObject({
      code: 403,
      message:
        'admission webhook "ipaddresspoolvalidationwebhook.metallb.io" denied the request: CIDR "10.0.145.134/32" in pool "two" overlaps with already defined CIDR "10.0.145.130-10.0.145.134"',
    });
    const backwards = await failureOf(clients.apply(pool('two', ['10.0.145.149-10.0.145.140'])));
    expect(backwards.body.message).toContain('is after the end IP');
    clients.server.lab.stop('metallb');
    const down = await failureOf(clients.apply(pool('two', ['10.0.145.140/32'])));
    expect(down.body).toMatchObject({ code: 500, reason: 'InternalError' });
    expect(down.body.message).toContain('failed calling webhook "ipaddresspoolvalidationwebhook.metallb.io"');
  });

  it('gives addresses of general pools only to services that no pool names, and none of a pool without autoAssign', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    await clients.apply(helmChart('metallb', 'metallb-system'));
    await applyWhenPossible(clients, pool('manual', ['10.0.145.130/32'], { autoAssign: false }));
    const body = (name: string, annotations: Record<string, string> = {}) => ({
      metadata: { name, annotations },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    });
    await clients.core.createNamespacedService({ namespace: 'default', body: body('any') });
    await clients.core.createNamespacedService({
      namespace: 'default',
      body: body('asked', { 'metallb.io/address-pool': 'manual' }),
    });
    await vi.waitFor(
      async () => expect(await addresses(clients)).toEqual({ any: undefined, asked: '10.0.145.130' }),
      SOON,
    );
    const { items } = await clients.core.listNamespacedEvent({
      namespace: 'default',
      fieldSelector: 'involvedObject.name=any',
    });
    expect(items[0]).toMatchObject({ reason: 'AllocationFailed', type: 'Warning' });
    await clients.apply(pool('buggy', ['10.0.146.0/31'], { avoidBuggyIPs: true }));
    await vi.waitFor(async () => expect((await addresses(clients))['any']).toBe('10.0.146.1'), SOON);
  });
});

describe('pools that are meant for a service', () => {
  it('are asked by their priority, and any other pool only after them', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    await clients.apply(helmChart('metallb', 'metallb-system'));
    const allocation = (priority: number) => ({
      serviceAllocation: {
        priority,
        namespaces: ['default'],
        serviceSelectors: [{ matchLabels: { app: 'web' } }],
      },
    });
    await applyWhenPossible(clients, pool('later', ['10.0.1.1/32'], allocation(20)));
    await applyWhenPossible(clients, pool('sooner', ['10.0.1.2/32'], allocation(10)));
    await applyWhenPossible(clients, pool('any', ['10.0.1.3/32']));
    for (const name of ['a', 'b', 'c', 'd']) {
      const body = {
        metadata: { name, labels: { app: 'web' } },
        spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
      };
      await clients.core.createNamespacedService({ namespace: 'default', body });
      await vi.waitFor(
        async () =>
          expect((await addresses(clients))[name] ?? (name === 'd' ? 'none' : undefined)).toBeDefined(),
        SOON,
      );
    }
    expect(await addresses(clients)).toEqual({ a: '10.0.1.2', b: '10.0.1.1', c: '10.0.1.3', d: undefined });
  });
});

describe('the operator', () => {
  it('makes of a postgresql all that clients and provisioners look for', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    await installLab(clients);
    await clients.apply(configMap('unrelated'));
    await applyWhenPossible(clients, database());
    await vi.waitFor(async () => expect(await statusOf(clients)).toBe('Running'), SOON);
    await vi.waitFor(
      async () =>
        expect(await addresses(clients)).toEqual({
          'wichtige-daten-3': '10.0.145.135',
          'wichtige-daten-3-repl': '10.0.145.136',
          'wichtige-daten-3-pooler-repl': '10.0.145.137',
          'wichtige-daten-3-pooler': '10.0.145.138',
        }),
      SOON,
    );
    expect(await roles(clients)).toEqual({
      'wichtige-daten-3-0': 'master',
      'wichtige-daten-3-1': 'replica',
      'wichtige-daten-3-2': 'replica',
    });
    const secret = await clients.core.readNamespacedSecret({
      name: 'bauer.wichtige-daten-3.credentials.postgresql.acid.zalan.do',
      namespace: 'default',
    });
    expect(Buffer.from(secret.data?.['username'] ?? '', 'base64').toString()).toBe('bauer');
    const service = await clients.core.readNamespacedService({
      name: 'wichtige-daten-3',
      namespace: 'default',
    });
    expect(service.spec?.loadBalancerSourceRanges).toEqual(['10.0.145.0/24']);
    expect(service.metadata?.annotations).toMatchObject({ 'metallb.io/ip-allocated-from-pool': 'master' });
    const claims = await clients.core.listNamespacedPersistentVolumeClaim({ namespace: 'default' });
    expect(claims.items.map(({ status }) => status?.phase)).toEqual(['Bound', 'Bound', 'Bound']);
    const again = await clients.apply(database());
    expect(again.metadata?.generation).toBe(1);
  });

  it('keeps a Secret that is there, closes services without ranges, and promotes another pod', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    await installLab(clients);
    const name = 'bauer.wichtige-daten-3.credentials.postgresql.acid.zalan.do';
    await clients.core.createNamespacedSecret({
      namespace: 'default',
      body: { metadata: { name }, stringData: { username: 'bauer', password: 'mine' } },
    });
    const { allowedSourceRanges: _, ...spec } = database().spec as { allowedSourceRanges: unknown };
    await applyWhenPossible(clients, { ...database(), spec });
    await vi.waitFor(async () => expect(await statusOf(clients)).toBe('Running'), SOON);
    const secret = await clients.core.readNamespacedSecret({ name, namespace: 'default' });
    expect(Buffer.from(secret.data?.['password'] ?? '', 'base64').toString()).toBe('mine');
    const service = await clients.core.readNamespacedService({
      name: 'wichtige-daten-3',
      namespace: 'default',
    });
    expect(service.spec?.loadBalancerSourceRanges).toEqual(['127.0.0.1/32']);
    await clients.core.deleteNamespacedPod({ name: 'wichtige-daten-3-0', namespace: 'default' });
    await vi.waitFor(
      async () =>
        expect(await roles(clients)).toEqual({
          'wichtige-daten-3-0': 'replica',
          'wichtige-daten-3-1': 'master',
          'wichtige-daten-3-2': 'replica',
        }),
      SOON,
    );
  });

  it('scales, and clears up behind a cluster that is deleted', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    await installLab(clients);
    const valuesContent = 'configKubernetes: { enable_persistent_volume_claim_deletion: false }';
    await clients.apply(helmChart('postgres-operator', 'postgres-operator', { valuesContent }));
    await applyWhenPossible(clients, database());
    await vi.waitFor(async () => expect(await statusOf(clients)).toBe('Running'), SOON);
    await clients.apply(database({ numberOfInstances: 5, enableReplicaConnectionPooler: false }));
    await vi.waitFor(async () => {
      expect(Object.keys(await roles(clients))).toHaveLength(5);
      expect(await statusOf(clients)).toBe('Running');
      expect(Object.keys(await addresses(clients))).not.toContain('wichtige-daten-3-pooler-repl');
    }, SOON);
    await clients.custom.deleteNamespacedCustomObject(POSTGRESQL);
    await vi.waitFor(async () => {
      expect(await addresses(clients)).toEqual({});
      expect(await roles(clients)).toEqual({});
    }, SOON);
    expect(
      (await clients.core.listNamespacedPersistentVolumeClaim({ namespace: 'default' })).items,
    ).toHaveLength(5);
    // Secrets go, as is the operator's default.
    expect((await clients.core.listNamespacedSecret({ namespace: 'default' })).items).toEqual([]);
  });

  it('takes a deletion for a mistake without the annotations it is told to look for, and leaves what is prepared', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    await installLab(clients);
    const valuesContent =
      'configKubernetes: { delete_annotation_name_key: delete-clustername, delete_annotation_date_key: delete-date }';
    await clients.apply(helmChart('postgres-operator', 'postgres-operator', { valuesContent }));
    const labels = { application: 'spilo', 'cluster-name': 'to-come' };
    await clients.core.createNamespacedSecret({
      namespace: 'default',
      body: { metadata: { name: 'prepared', labels } },
    });
    const annotations = {
      'delete-clustername': 'wichtige-daten-3',
      'delete-date': new Date().toISOString().slice(0, 10),
    };
    for (const isMeant of [false, true]) {
      const wanted = database();
      const metadata = {
        name: 'wichtige-daten-3',
        namespace: 'default',
        ...(isMeant ? { annotations } : {}),
      };
      await applyWhenPossible(clients, { ...wanted, metadata });
      await vi.waitFor(async () => expect(await statusOf(clients)).toBe('Running'), SOON);
      await clients.custom.deleteNamespacedCustomObject(POSTGRESQL);
      if (isMeant) await vi.waitFor(async () => expect(await addresses(clients)).toEqual({}), SOON);
      else expect(Object.keys(await addresses(clients))).toHaveLength(4);
    }
    await clients.core.readNamespacedSecret({ name: 'prepared', namespace: 'default' });
  });

  it('can be made to fail in the ways that a provisioner must notice', async () => {
    const clients = await useFakeKubeApi({ lab: {} });
    const { faults } = clients.server.lab;
    faults.wrongIps.set('wichtige-daten-3', '10.0.145.140');
    faults.stuckStatus.set('wichtige-daten-3', 'Creating');
    faults.stuckPods = (pod) => pod.metadata.name === 'wichtige-daten-3-2';
    faults.chartsWithoutDefinitions.add('postgres-operator');
    await installLab(clients);
    const absent = await failureOf(clients.custom.listNamespacedCustomObject(POSTGRESQL));
    expect(absent).toMatchObject({ code: 404, body: {} });
    faults.chartsWithoutDefinitions.clear();
    await applyWhenPossible(clients, database());
    await vi.waitFor(
      async () => expect((await addresses(clients))['wichtige-daten-3']).toBe('10.0.145.140'),
      SOON,
    );
    await vi.waitFor(
      async () =>
        expect(
          (await clients.core.readNamespacedPod({ name: 'wichtige-daten-3-2', namespace: 'default' })).status
            ?.phase,
        ).toBe('Pending'),
      SOON,
    );
    expect(await statusOf(clients)).toBe('Creating');
  });
});
