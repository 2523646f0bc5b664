import { describe, expect, it, vi } from 'vitest';
import { configMap, failureOf, useFakeKubeApi } from './support/use-fake-kube-api.ts';

describe('faults', () => {
  it('answer with an error as often as they say', async () => {
    const { core, server } = await useFakeKubeApi();
    const fault = server.faults.add({
      match: { verb: 'list', resource: 'configmaps' },
      effect: { kind: 'status', code: 429, retryAfterSeconds: 3 },
      times: 2,
    });
    const list = () => core.listNamespacedConfigMap({ namespace: 'default' });
    const first = await failureOf(list());
    expect(first).toMatchObject({
      code: 429,
      body: { reason: 'TooManyRequests', details: { retryAfterSeconds: 3 } },
    });
    expect(first.headers['retry-after']).toBe('3');
    await failureOf(list());
    expect((await list()).items).toEqual([]);
    expect(fault.met).toBe(2);
  });

  it('meet only the requests that fit', async () => {
    const { core, server } = await useFakeKubeApi();
    const fault = server.faults.add({
      match: { verb: ['create', 'update'], resource: 'configmaps', namespace: 'default' },
      effect: { kind: 'status', code: 500 },
    });
    expect((await core.listNamespacedConfigMap({ namespace: 'default' })).items).toEqual([]);
    await core.createNamespacedConfigMap({ namespace: 'kube-system', body: { metadata: { name: 'x' } } });
    expect(
      (await failureOf(core.createNamespacedConfigMap({ namespace: 'default', body: configMap('x') }))).body,
    ).toMatchObject({ code: 500, reason: 'InternalError' });
    fault.remove();
    await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('x') });
  });

  for (const [code, reason] of [
    [409, 'Conflict'],
    [410, 'Expired'],
    [503, 'ServiceUnavailable'],
    [504, 'Timeout'],
  ] as const) {
    it(`can be a ${code}`, async () => {
      const { core, server } = await useFakeKubeApi();
      server.faults.add({ match: {}, effect: { kind: 'status', code } });
      expect((await failureOf(core.listNamespace())).body).toMatchObject({ code, reason });
    });
  }

  it('can be a webhook that nobody answers for', async () => {
    const { apply, server } = await useFakeKubeApi();
    server.faults.add({
      match: { verb: 'apply' },
      effect: {
        kind: 'webhook-refused',
        webhook: 'a.example.com',
        url: 'https://a.default.svc:443/validate',
      },
      times: 1,
    });
    expect((await failureOf(apply(configMap('x')))).body.message).toBe(
      'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: Post "https://a.default.svc:443/validate": dial tcp a.default.svc:443: connect: connection refused',
    );
    await apply(configMap('x'));
  });

  it('can leave a request without an answer', async () => {
    const { core, server } = await useFakeKubeApi();
    server.faults.add({ match: { verb: 'create' }, effect: { kind: 'hang' }, times: 1 });
    let isSettled = false;
    const hanging = core
      .createNamespacedConfigMap({ namespace: 'default', body: configMap('x') })
      .finally(() => (isSettled = true));
    hanging.catch(() => undefined);
    await vi.waitFor(
      () =>
        expect(server.requests.all().some(({ verb, code }) => verb === 'create' && code === 0)).toBe(true),
      { timeout: 20_000 },
    );
    expect((await core.listNamespacedConfigMap({ namespace: 'default' })).items).toEqual([]);
    expect(isSettled).toBe(false);
  });

  it('can cut the connection before or after the work is done', async () => {
    const { core, server } = await useFakeKubeApi();
    server.faults.add({
      match: { verb: 'create', resource: 'configmaps' },
      effect: { kind: 'cut' },
      times: 1,
    });
    await expect(
      core.createNamespacedConfigMap({ namespace: 'default', body: configMap('x') }),
    ).rejects.toThrow();
    expect((await core.listNamespacedConfigMap({ namespace: 'default' })).items).toEqual([]);
    server.faults.add({
      match: { verb: 'create', resource: 'configmaps' },
      effect: { kind: 'lose-answer' },
      times: 1,
    });
    await expect(
      core.createNamespacedConfigMap({ namespace: 'default', body: configMap('x') }),
    ).rejects.toThrow();
    expect((await core.listNamespacedConfigMap({ namespace: 'default' })).items).toHaveLength(1);
  });
});

describe('the request log', () => {
  it('counts writes, and no reads or dry runs', async () => {
    const { apply, core, server } = await useFakeKubeApi();
    await apply(configMap('x'));
    await apply(configMap('x'), { dryRun: true });
    await core.listNamespacedConfigMap({ namespace: 'default' });
    await failureOf(core.deleteNamespacedConfigMap({ name: 'gone', namespace: 'default' }));
    expect(server.requests.writes()).toEqual([
      expect.objectContaining({
        verb: 'apply',
        resource: 'configmaps',
        name: 'x',
        fieldManager: 'deploy',
        code: 201,
      }),
      expect.objectContaining({ verb: 'delete', resource: 'configmaps', name: 'gone', code: 404 }),
    ]);
    expect(server.requests.count('list')).toBe(1);
    server.requests.clear();
    expect(server.requests.all()).toEqual([]);
  });
});
