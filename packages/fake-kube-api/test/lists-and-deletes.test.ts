import { describe, expect, it } from 'vitest';
import { raw } from './support/raw.ts';
import { configMap, failureOf, useFakeKubeApi } from './support/use-fake-kube-api.ts';

describe('discovery', () => {
  it('lists groups, versions and resources', async () => {
    const { server } = await useFakeKubeApi();
    const get = async (path: string) => JSON.parse((await raw(server, path)).text) as Record<string, unknown>;
    expect(await get('/api')).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    expect(await get('/version')).toMatchObject({ major: '1', gitVersion: expect.stringMatching(/^v1\./) });
    const groups = (await get('/apis'))['groups'] as { name: string; preferredVersion: object }[];
    expect(groups.find(({ name }) => name === 'apps')?.preferredVersion).toEqual({
      groupVersion: 'apps/v1',
      version: 'v1',
    });
    const resources = (await get('/apis/apps/v1'))['resources'] as {
      name: string;
      kind: string;
      verbs: string[];
    }[];
    expect(resources.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['deployments', 'deployments/status', 'statefulsets']),
    );
    expect(resources[0]?.verbs).toContain('watch');
  });
});

describe('lists', () => {
  it('select by labels and fields', async () => {
    const { core } = await useFakeKubeApi();
    for (const [name, tier] of [
      ['a', 'web'],
      ['b', 'db'],
      ['c', 'web'],
    ] as const) {
      await core.createNamespacedConfigMap({
        namespace: 'default',
        body: configMap(name, {}, { labels: { tier, name } }),
      });
    }
    const names = async (query: { labelSelector?: string; fieldSelector?: string }) =>
      (await core.listNamespacedConfigMap({ namespace: 'default', ...query })).items.map(
        ({ metadata }) => metadata?.name,
      );
    expect(await names({ labelSelector: 'tier=web' })).toEqual(['a', 'c']);
    expect(await names({ labelSelector: 'tier in (web, db),name!=a' })).toEqual(['b', 'c']);
    expect(await names({ labelSelector: '!tier' })).toEqual([]);
    expect(await names({ labelSelector: 'tier notin (web)' })).toEqual(['b']);
    expect(await names({ fieldSelector: 'metadata.name=b' })).toEqual(['b']);
    const failure = await failureOf(
      core.listNamespacedConfigMap({ namespace: 'default', fieldSelector: 'data.a=1' }),
    );
    expect(failure.body).toMatchObject({ code: 400, message: 'field label not supported: data.a' });
  });

  it('come in pages from one state, until it is forgotten', async () => {
    const { core, server } = await useFakeKubeApi();
    for (const name of ['a', 'b', 'c'])
      await core.createNamespacedConfigMap({ namespace: 'default', body: configMap(name) });
    const first = await core.listNamespacedConfigMap({ namespace: 'default', limit: 2 });
    expect(first.items.map(({ metadata }) => metadata?.name)).toEqual(['a', 'b']);
    expect(first.metadata?.remainingItemCount).toBe(1);
    await core.deleteNamespacedConfigMap({ name: 'c', namespace: 'default' });
    const second = await core.listNamespacedConfigMap({
      namespace: 'default',
      limit: 2,
      _continue: first.metadata?._continue ?? '',
    });
    expect(second.items.map(({ metadata }) => metadata?.name)).toEqual(['c']);
    expect(second.metadata?.resourceVersion).toBe(first.metadata?.resourceVersion);
    server.api.compact();
    const failure = await failureOf(
      core.listNamespacedConfigMap({
        namespace: 'default',
        limit: 2,
        _continue: first.metadata?._continue ?? '',
      }),
    );
    expect(failure.body).toMatchObject({ code: 410, reason: 'Expired' });
  });
});

describe('deletes', () => {
  it('wait for finalizers', async () => {
    const { core } = await useFakeKubeApi();
    const target = { name: 'one', namespace: 'default' };
    await core.createNamespacedConfigMap({
      namespace: 'default',
      body: configMap('one', {}, { finalizers: ['example.com/wait'] }),
    });
    await core.deleteNamespacedConfigMap(target);
    const waiting = await core.readNamespacedConfigMap(target);
    expect(waiting.metadata?.deletionTimestamp).toBeInstanceOf(Date);
    if (waiting.metadata !== undefined) waiting.metadata.finalizers = [];
    await core.replaceNamespacedConfigMap({ ...target, body: waiting });
    expect((await failureOf(core.readNamespacedConfigMap(target))).code).toBe(404);
  });

  it('may say which object and which version they mean', async () => {
    const { core } = await useFakeKubeApi();
    const target = { name: 'one', namespace: 'default' };
    await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('one') });
    const failure = await failureOf(
      core.deleteNamespacedConfigMap({ ...target, body: { preconditions: { uid: 'other' } } }),
    );
    expect(failure.body).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(failure.body.message).toContain(
      'the UID in the precondition (other) does not match the UID in record',
    );
    expect(
      (
        await failureOf(
          core.deleteNamespacedConfigMap({ ...target, body: { preconditions: { resourceVersion: '1' } } }),
        )
      ).code,
    ).toBe(409);
    await core.deleteNamespacedConfigMap({ ...target, dryRun: 'All' });
    expect(await core.readNamespacedConfigMap(target)).toBeDefined();
  });

  it('take whole collections', async () => {
    const { core } = await useFakeKubeApi();
    for (const name of ['a', 'b'])
      await core.createNamespacedConfigMap({
        namespace: 'default',
        body: configMap(name, {}, { labels: { name } }),
      });
    await core.deleteCollectionNamespacedConfigMap({ namespace: 'default', labelSelector: 'name=a' });
    expect(
      (await core.listNamespacedConfigMap({ namespace: 'default' })).items.map(
        ({ metadata }) => metadata?.name,
      ),
    ).toEqual(['b']);
  });
});
