import { describe, expect, it } from 'vitest';
import { raw } from './support/raw.ts';
import {
  configMap,
  deployment,
  failureOf,
  useFakeKubeApi,
  type AnyObject,
} from './support/use-fake-kube-api.ts';

function fieldsOf(object: AnyObject, manager: string): unknown {
  return object.metadata?.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
}

function containers(
  object: AnyObject,
): { name: string; env?: { name: string; value?: string }[]; ports?: object[] }[] {
  return (object.spec as { template: { spec: { containers: [] } } }).template.spec.containers;
}

describe('server-side apply', () => {
  it('creates the object and owns what was applied, not what was defaulted', async () => {
    const { apply } = await useFakeKubeApi();
    const object = await apply(deployment('web', { ports: [{ containerPort: 80 }] }));
    expect(object.metadata?.managedFields).toHaveLength(1);
    expect(object.metadata?.managedFields?.[0]).toMatchObject({
      manager: 'deploy',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      fieldsType: 'FieldsV1',
      time: expect.anything(),
    });
    expect(fieldsOf(object, 'deploy')).toEqual({
      'f:spec': {
        'f:selector': {},
        'f:template': {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"web"}': {
                '.': {},
                'f:name': {},
                'f:image': {},
                'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
              },
            },
          },
        },
      },
    });
  });

  it('changes nothing when repeated, not even the version', async () => {
    const { apply } = await useFakeKubeApi();
    const first = await apply(deployment('web', { resources: { limits: { cpu: '0.5' } }, env: [] }));
    const second = await apply(deployment('web', { resources: { limits: { cpu: '0.5' } }, env: [] }));
    expect(second.metadata?.resourceVersion).toBe(first.metadata?.resourceVersion);
    expect(second.metadata?.generation).toBe(1);
  });

  it('removes what the manager no longer applies and nobody else owns', async () => {
    const { apply } = await useFakeKubeApi();
    await apply(configMap('one', { mine: '1', shared: 's' }));
    await apply(configMap('one', { shared: 's', theirs: '2' }), { manager: 'other' });
    const after = await apply(configMap('one', {}));
    expect(after.data).toEqual({ shared: 's', theirs: '2' });
    expect(fieldsOf(after, 'deploy')).toEqual({ 'f:data': {} });
  });

  it('merges lists by the keys of their items', async () => {
    const { apply } = await useFakeKubeApi();
    await apply(
      deployment('web', {
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
        ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }],
      }),
    );
    await apply(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'default' },
        spec: {
          template: {
            spec: {
              containers: [
                { name: 'web', env: [{ name: 'C', value: '3' }] },
                { name: 'side', image: 'busybox:1' },
              ],
            },
          },
        },
      },
      { manager: 'other' },
    );
    const after = await apply(
      deployment('web', {
        env: [{ name: 'B', value: '2' }],
        ports: [{ containerPort: 80, protocol: 'UDP' }],
      }),
    );
    expect(containers(after).map(({ name }) => name)).toEqual(['web', 'side']);
    expect(containers(after)[0]?.env).toEqual([
      { name: 'B', value: '2' },
      { name: 'C', value: '3' },
    ]);
    expect(containers(after)[0]?.ports).toEqual([{ containerPort: 80, protocol: 'UDP' }]);
  });

  it('merges sets by value and replaces atomic lists and maps as a whole', async () => {
    const { apply } = await useFakeKubeApi();
    const service = (selector: object, finalizers: string[], ranges: string[]) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default', finalizers },
      spec: { selector, ports: [{ port: 80 }], type: 'LoadBalancer', loadBalancerSourceRanges: ranges },
    });
    await apply(service({ a: '1', b: '2' }, ['example.com/a'], ['10.0.0.0/8', '10.1.0.0/16']));
    await apply(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'default', finalizers: ['example.com/b'] },
      },
      { manager: 'other' },
    );
    const after = await apply(service({ c: '3' }, ['example.com/a'], ['10.2.0.0/16']));
    expect(after.metadata?.finalizers).toEqual(['example.com/a', 'example.com/b']);
    expect(after.spec).toMatchObject({ loadBalancerSourceRanges: ['10.2.0.0/16'] });
    expect(after.spec?.['selector']).toEqual({ c: '3' });
    expect(fieldsOf(after, 'other')).toEqual({
      'f:metadata': { 'f:finalizers': { 'v:"example.com/b"': {} } },
    });
  });

  it('refuses to change what another manager owns, and names it with the field', async () => {
    const { apply, core } = await useFakeKubeApi();
    await apply(configMap('one', { a: '1', b: '1' }));
    const failure = await failureOf(apply(configMap('one', { a: '2' }), { manager: 'other' }));
    expect(failure.body).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "deploy": .data.a',
      details: {
        causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "deploy"', field: '.data.a' }],
      },
    });
    await core.patchNamespacedConfigMap({
      name: 'one',
      namespace: 'default',
      body: [{ op: 'replace', path: '/data/b', value: 'x' }],
      fieldManager: 'hand',
    });
    const two = await failureOf(apply(configMap('one', { a: '2', b: '2' }), { manager: 'other' }));
    expect(two.body.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "deploy":\n- .data.a\nconflicts with "hand" using v1:\n- .data.b',
    );
  });

  it('takes over what others own if it is forced', async () => {
    const { apply } = await useFakeKubeApi();
    await apply(configMap('one', { a: '1', b: '1' }));
    const forced = await apply(configMap('one', { a: '2' }), { manager: 'other', force: true });
    expect(forced.data).toEqual({ a: '2', b: '1' });
    expect(fieldsOf(forced, 'deploy')).toEqual({ 'f:data': { 'f:b': {} } });
    expect(fieldsOf(forced, 'other')).toEqual({ 'f:data': { 'f:a': {} } });
  });

  it('shares ownership of equal values', async () => {
    const { apply } = await useFakeKubeApi();
    await apply(configMap('one', { a: '1' }));
    const shared = await apply(configMap('one', { a: '1' }), { manager: 'other' });
    expect(fieldsOf(shared, 'deploy')).toEqual(fieldsOf(shared, 'other'));
  });

  it('conflicts with values that an update changed, under the name of the program that did', async () => {
    const { apply, objects } = await useFakeKubeApi();
    await apply(deployment('web', {}, { replicas: 1 }));
    await objects.patch<AnyObject>(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'default' },
        spec: { replicas: 5 },
      },
      undefined,
      undefined,
      'kubectl-edit',
    );
    const failure = await failureOf(apply(deployment('web', {}, { replicas: 1 })));
    expect(failure.body.details?.causes).toEqual([
      {
        reason: 'FieldManagerConflict',
        message: 'conflict with "kubectl-edit" using apps/v1',
        field: '.spec.replicas',
      },
    ]);
  });

  it('shows what it would do and stores nothing in a dry run', async () => {
    const { apply, core, server } = await useFakeKubeApi();
    const first = await apply(configMap('one', { a: '1' }));
    const dry = await apply(configMap('one', { a: '2' }), { dryRun: true });
    expect(dry.data).toEqual({ a: '2' });
    expect(dry.metadata?.resourceVersion).toBe(first.metadata?.resourceVersion);
    expect((await core.readNamespacedConfigMap({ name: 'one', namespace: 'default' })).data).toEqual({
      a: '1',
    });
    await apply(configMap('two', { a: '2' }), { dryRun: true });
    expect((await failureOf(core.readNamespacedConfigMap({ name: 'two', namespace: 'default' }))).code).toBe(
      404,
    );
    expect(server.requests.writes().map(({ name }) => name)).toEqual(['one']);
  });

  it('answers 500 without a reason for what does not fit the type', async () => {
    const { apply } = await useFakeKubeApi();
    const wrong = await failureOf(apply(deployment('web', {}, { replicas: 'three' })));
    expect(wrong.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message:
        'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string',
      code: 500,
    });
    const { server } = await useFakeKubeApi();
    const unknown = await raw(server, '/api/v1/namespaces/default/services/web?fieldManager=deploy', {
      method: 'PATCH',
      contentType: 'application/apply-patch+yaml',
      body: 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {topologyKeys: [a], ports: [{port: 80}]}\n',
    });
    expect(unknown.text).toContain(
      'failed to create typed patch object (default/web; /v1, Kind=Service): .spec.topologyKeys: field not declared in schema',
    );
  });

  it('needs the name of its manager', async () => {
    const { server } = await useFakeKubeApi();
    const { code, text } = await raw(server, '/api/v1/namespaces/default/configmaps/one', {
      method: 'PATCH',
      contentType: 'application/apply-patch+yaml',
      body: configMap('one'),
    });
    expect(code).toBe(422);
    expect(JSON.parse(text)).toMatchObject({
      message:
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    });
  });

  it('refuses managedFields, and a uid that is not there', async () => {
    const { apply } = await useFakeKubeApi();
    expect((await failureOf(apply(configMap('one', {}, { managedFields: [] })))).body.message).toBe(
      'metadata.managedFields must be nil',
    );
    expect((await failureOf(apply(configMap('one', {}, { uid: 'x' })))).body).toMatchObject({
      code: 409,
      reason: 'Conflict',
    });
  });
});

describe('other patches', () => {
  it('follow JSON patch, merge patch and strategic merge', async () => {
    const { server, apply } = await useFakeKubeApi();
    await apply(deployment('web', { env: [{ name: 'A', value: '1' }] }));
    const path = '/apis/apps/v1/namespaces/default/deployments/web';
    const send = async (contentType: string, body: unknown) => {
      const { code, text } = await raw(server, path, { method: 'PATCH', contentType, body });
      return { code, object: JSON.parse(text) as AnyObject };
    };
    const strategic = await send('application/strategic-merge-patch+json', {
      spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'B', value: '2' }] }] } } },
    });
    expect(containers(strategic.object)[0]?.env).toEqual([
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ]);
    const removed = await send('application/strategic-merge-patch+json', {
      spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'A', $patch: 'delete' }] }] } } },
    });
    expect(containers(removed.object)[0]?.env).toEqual([{ name: 'B', value: '2' }]);
    const merged = await send('application/merge-patch+json', {
      metadata: { annotations: { a: 'b' } },
      spec: { replicas: 3 },
    });
    expect(merged.object.spec?.['replicas']).toBe(3);
    const json = await send('application/json-patch+json', [
      { op: 'test', path: '/spec/replicas', value: 3 },
      { op: 'remove', path: '/metadata/annotations/a' },
    ]);
    expect(json.object.metadata?.annotations).toBeUndefined();
    const failed = await send('application/json-patch+json', [
      { op: 'test', path: '/spec/replicas', value: 4 },
    ]);
    expect(failed.code).toBe(422);
    expect(failed.object).toMatchObject({
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
    });
    expect((await send('application/json', {})).code).toBe(415);
    const stale = await send('application/merge-patch+json', {
      metadata: { resourceVersion: '1' },
      spec: { replicas: 4 },
    });
    expect(stale.code).toBe(409);
  });
});
