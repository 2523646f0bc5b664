import { AppsV1Api, VersionApi } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { raw } from './support/raw.ts';
import {
  configMap,
  deployment,
  failureOf,
  useFakeKubeApi,
  type AnyObject,
} from './support/use-fake-kube-api.ts';

describe('objects', () => {
  it('are created with what the server decides, read, replaced and deleted', async () => {
    const { core } = await useFakeKubeApi();
    const created = await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('one') });
    expect(created.metadata).toMatchObject({
      name: 'one',
      namespace: 'default',
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
    expect(created.metadata?.generation).toBeUndefined();
    const replaced = await core.replaceNamespacedConfigMap({
      name: 'one',
      namespace: 'default',
      body: configMap('one', { a: '2' }),
    });
    expect(replaced.data).toEqual({ a: '2' });
    expect(replaced.metadata?.uid).toBe(created.metadata?.uid);
    expect(Number(replaced.metadata?.resourceVersion)).toBeGreaterThan(
      Number(created.metadata?.resourceVersion),
    );
    const status = await core.deleteNamespacedConfigMap({ name: 'one', namespace: 'default' });
    expect(status).toMatchObject({
      status: 'Success',
      details: { name: 'one', kind: 'configmaps', uid: created.metadata?.uid },
    });
    const failure = await failureOf(core.readNamespacedConfigMap({ name: 'one', namespace: 'default' }));
    expect(failure.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'configmaps "one" not found',
      reason: 'NotFound',
      details: { name: 'one', kind: 'configmaps' },
      code: 404,
    });
  });

  it('are reached by a client certificate as well as by a token, and by nobody else', async () => {
    const { core } = await useFakeKubeApi({}, 'certificate');
    expect((await core.listNamespace()).items.map(({ metadata }) => metadata?.name)).toContain('kube-system');
    const { config } = await useFakeKubeApi();
    config.users = [{ name: 'admin', token: 'wrong' }];
    const failure = await failureOf(config.makeApiClient(VersionApi).getCode());
    expect(failure.code).toBe(401);
  });

  it('refuse a name that is taken', async () => {
    const { core } = await useFakeKubeApi();
    await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('one') });
    const failure = await failureOf(
      core.createNamespacedConfigMap({ namespace: 'default', body: configMap('one') }),
    );
    expect(failure.body).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "one" already exists',
    });
  });

  it('refuse a write that is based on an old version', async () => {
    const { core } = await useFakeKubeApi();
    const first = await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('one') });
    await core.replaceNamespacedConfigMap({
      name: 'one',
      namespace: 'default',
      body: configMap('one', { a: '2' }),
    });
    first.data = { a: '3' };
    const failure = await failureOf(
      core.replaceNamespacedConfigMap({ name: 'one', namespace: 'default', body: first }),
    );
    expect(failure.body).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "one": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  it('keep their version when a write changes nothing', async () => {
    const { core } = await useFakeKubeApi();
    const first = await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('one') });
    const second = await core.replaceNamespacedConfigMap({
      name: 'one',
      namespace: 'default',
      body: configMap('one'),
    });
    expect(second.metadata?.resourceVersion).toBe(first.metadata?.resourceVersion);
  });

  it('raise their generation when what is wanted changes, not for labels or status', async () => {
    const { config, objects } = await useFakeKubeApi();
    const apps = config.makeApiClient(AppsV1Api);
    const created = await objects.create(deployment('web'));
    expect(created.metadata?.generation).toBe(1);
    const labelled = await objects.patch<AnyObject>({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default', labels: { a: 'b' } },
    });
    expect(labelled.metadata?.generation).toBe(1);
    const statusBody = {
      ...labelled,
      status: { replicas: 1 },
      spec: { ...labelled.spec, replicas: 9 },
    };
    const status = await apps.replaceNamespacedDeploymentStatus({
      name: 'web',
      namespace: 'default',
      body: statusBody as never,
    });
    expect(status.metadata?.generation).toBe(1);
    expect(status.status?.replicas).toBe(1);
    expect(status.spec?.replicas).toBe(1);
    const scaled = await objects.patch<AnyObject>({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 2 },
    });
    expect(scaled.metadata?.generation).toBe(2);
    expect((scaled as { status?: { replicas?: number } }).status?.replicas).toBe(1);
  });

  it('get the defaults of their kind', async () => {
    const { config, objects } = await useFakeKubeApi();
    await objects.create(
      deployment('web', {
        ports: [{ containerPort: 80 }],
        resources: { limits: { cpu: '1000m', memory: '1024Mi' } },
      }),
    );
    const read = await config
      .makeApiClient(AppsV1Api)
      .readNamespacedDeployment({ name: 'web', namespace: 'default' });
    expect(read.spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } },
    });
    expect(read.spec?.template.spec).toMatchObject({
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
    });
    expect(read.spec?.template.spec?.containers[0]).toMatchObject({
      imagePullPolicy: 'IfNotPresent',
      terminationMessagePath: '/dev/termination-log',
      ports: [{ containerPort: 80, protocol: 'TCP' }],
      resources: { limits: { cpu: '1', memory: '1Gi' } },
    });
  });

  it('are refused with every cause when they break the rules of their kind', async () => {
    const { objects } = await useFakeKubeApi();
    const wrong = deployment('web');
    wrong.spec = { ...wrong.spec, selector: { matchLabels: { app: 'other' } } };
    const failure = await failureOf(objects.create(wrong));
    expect(failure.code).toBe(422);
    expect(failure.body.reason).toBe('Invalid');
    expect(failure.body.message).toBe(
      'Deployment.apps "web" is invalid: spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    );
    expect(failure.body.details).toMatchObject({
      name: 'web',
      group: 'apps',
      kind: 'Deployment',
      causes: [{ reason: 'FieldValueInvalid', field: 'spec.template.metadata.labels' }],
    });
    const badName = await failureOf(objects.create(configMap('Not_A_Name')));
    expect(badName.body.details?.causes?.[0]?.field).toBe('metadata.name');
  });

  it('are allocated cluster addresses and node ports', async () => {
    const { core } = await useFakeKubeApi();
    const body = { metadata: { name: 'web' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } };
    const service = await core.createNamespacedService({ namespace: 'default', body });
    expect(service.spec).toMatchObject({
      clusterIP: expect.stringMatching(/^10\.43\./),
      allocateLoadBalancerNodePorts: true,
      externalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
    });
    expect(service.spec?.ports?.[0]).toMatchObject({
      port: 80,
      protocol: 'TCP',
      targetPort: 80,
      nodePort: expect.any(Number),
    });
    const again = await core.replaceNamespacedService({ name: 'web', namespace: 'default', body });
    expect(again.metadata?.resourceVersion).toBe(service.metadata?.resourceVersion);
  });

  it('need their namespace', async () => {
    const { core } = await useFakeKubeApi();
    const failure = await failureOf(
      core.createNamespacedConfigMap({ namespace: 'nowhere', body: { metadata: { name: 'x' } } }),
    );
    expect(failure.body).toMatchObject({ code: 404, message: 'namespaces "nowhere" not found' });
  });

  it('are told apart from paths that do not exist, which are answered in plain text', async () => {
    const { custom } = await useFakeKubeApi();
    const failure = await failureOf(
      custom.listNamespacedCustomObject({
        group: 'acid.zalan.do',
        version: 'v1',
        namespace: 'default',
        plural: 'postgresqls',
      }),
    );
    expect(failure.code).toBe(404);
    expect(failure.text.trim()).toContain('404 page not found');
  });

  it('have logs if they are pods', async () => {
    const { core, server } = await useFakeKubeApi();
    const containers = [{ name: 'main', image: 'busybox:1' }];
    await core.createNamespacedPod({
      namespace: 'default',
      body: { metadata: { name: 'talker' }, spec: { containers } },
    });
    server.pods.logs.set('default/talker', 'one\ntwo\n');
    expect(await core.readNamespacedPodLog({ name: 'talker', namespace: 'default' })).toBe('one\ntwo\n');
    expect((await failureOf(core.readNamespacedPodLog({ name: 'nobody', namespace: 'default' }))).code).toBe(
      404,
    );
  });

  it('keep secrets written as text in base64', async () => {
    const { core } = await useFakeKubeApi();
    const secret = await core.createNamespacedSecret({
      namespace: 'default',
      body: { metadata: { name: 's' }, stringData: { password: 'x' } },
    });
    expect(secret).toMatchObject({ type: 'Opaque', data: { password: Buffer.from('x').toString('base64') } });
    expect(secret.stringData).toBeUndefined();
  });
});

describe('field validation', () => {
  const body = { metadata: { name: 'x' }, data: { a: '1' }, dta: {}, more: 1 };
  const path = (fieldValidation: string) =>
    `/api/v1/namespaces/default/configmaps?fieldValidation=${fieldValidation}`;

  it('refuses unknown fields if it is strict', async () => {
    const { server } = await useFakeKubeApi();
    const { code, text } = await raw(server, path('Strict'), { method: 'POST', body });
    expect(code).toBe(400);
    expect(JSON.parse(text)).toMatchObject({
      reason: 'BadRequest',
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta", unknown field "more"',
    });
  });

  it('drops them, with or without a warning, if it is not', async () => {
    const { server } = await useFakeKubeApi();
    const warned = await raw(server, path('Warn'), { method: 'POST', body });
    expect(warned.code).toBe(201);
    expect(warned.headers['warning']).toBe(
      '299 - "unknown field \\"dta\\"", 299 - "unknown field \\"more\\""',
    );
    expect(JSON.parse(warned.text)).not.toHaveProperty('dta');
    const silent = await raw(server, path('Ignore'), {
      method: 'POST',
      body: { ...body, metadata: { name: 'y' } },
    });
    expect(silent.headers['warning']).toBeUndefined();
  });

  it('refuses a value of the wrong type as a bad request', async () => {
    const { server } = await useFakeKubeApi();
    const wrong = { ...deployment('web'), spec: { ...deployment('web').spec, replicas: 'three' } };
    const { code, text } = await raw(server, '/apis/apps/v1/namespaces/default/deployments', {
      method: 'POST',
      body: wrong,
    });
    expect(code).toBe(400);
    expect(text).toContain(
      'json: cannot unmarshal string into Go struct field Deployment.spec.replicas of type int32',
    );
  });

  it('names what it allows', async () => {
    const { server } = await useFakeKubeApi();
    const { code, text } = await raw(server, path('Sometimes'), { method: 'POST', body });
    expect(code).toBe(422);
    expect(text).toContain('fieldValidation: Unsupported value: \\"Sometimes\\"');
  });
});
