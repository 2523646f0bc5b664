import { makeInformer, Watch, type KubernetesObject, type V1ConfigMap } from '@kubernetes/client-node';
import { describe, expect, it, vi } from 'vitest';
import { configMap, useFakeKubeApi, type Clients } from './support/use-fake-kube-api.ts';

interface Seen {
  readonly type: string;
  readonly object: KubernetesObject & { code?: number; reason?: string };
}

const PATH = '/api/v1/namespaces/default/configmaps';

/** Watches with the library until the test ends. */
async function watch({ config }: Clients, query: Record<string, string | number | boolean> = {}) {
  const seen: Seen[] = [];
  let ended: unknown = 'open';
  const controller = await new Watch(config).watch(
    PATH,
    query,
    (type: string, object: Seen['object']) => seen.push({ type, object }),
    (error) => (ended = error),
  );
  return {
    seen,
    controller,
    ended: () => ended,
    names: () => seen.map(({ type, object }) => `${type} ${object.metadata?.name ?? ''}`),
  };
}

const soon = (check: () => void) => vi.waitFor(check, { timeout: 20_000 });

describe('watches', () => {
  it('tell what is there, and what happens then', async () => {
    const clients = await useFakeKubeApi();
    const { core } = clients;
    await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('one') });
    const { names, controller } = await watch(clients);
    await soon(() => expect(names()).toEqual(['ADDED one']));
    await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('two') });
    await core.replaceNamespacedConfigMap({
      name: 'two',
      namespace: 'default',
      body: configMap('two', { a: '2' }),
    });
    await core.deleteNamespacedConfigMap({ name: 'one', namespace: 'default' });
    await soon(() => expect(names()).toEqual(['ADDED one', 'ADDED two', 'MODIFIED two', 'DELETED one']));
    controller.abort();
    await soon(() => expect(clients.server.watches.count).toBe(0));
  });

  it('go on behind a version', async () => {
    const clients = await useFakeKubeApi();
    const first = await clients.core.createNamespacedConfigMap({
      namespace: 'default',
      body: configMap('one'),
    });
    await clients.core.createNamespacedConfigMap({ namespace: 'default', body: configMap('two') });
    const { names } = await watch(clients, { resourceVersion: first.metadata?.resourceVersion ?? '' });
    await soon(() => expect(names()).toEqual(['ADDED two']));
  });

  it('tell of objects that start or stop to match', async () => {
    const clients = await useFakeKubeApi();
    const { core } = clients;
    await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('one') });
    const { names } = await watch(clients, { labelSelector: 'on=yes' });
    await core.replaceNamespacedConfigMap({
      name: 'one',
      namespace: 'default',
      body: configMap('one', {}, { labels: { on: 'yes' } }),
    });
    await core.replaceNamespacedConfigMap({
      name: 'one',
      namespace: 'default',
      body: configMap('one', {}, { labels: { on: 'no' } }),
    });
    await soon(() => expect(names()).toEqual(['ADDED one', 'DELETED one']));
  });

  it('are told 410 in an event where the history is gone', async () => {
    const clients = await useFakeKubeApi();
    const first = await clients.core.createNamespacedConfigMap({
      namespace: 'default',
      body: configMap('one'),
    });
    await clients.core.createNamespacedConfigMap({ namespace: 'default', body: configMap('two') });
    clients.server.api.compact();
    const { seen, ended } = await watch(clients, { resourceVersion: first.metadata?.resourceVersion ?? '' });
    await soon(() =>
      expect(seen).toEqual([
        { type: 'ERROR', object: expect.objectContaining({ kind: 'Status', code: 410, reason: 'Expired' }) },
      ]),
    );
    await soon(() => expect(ended()).toBeNull());
  });

  it('end after the time that was asked for', async () => {
    const clients = await useFakeKubeApi();
    const { ended } = await watch(clients, { timeoutSeconds: 1 });
    await soon(() => expect(ended()).toBeNull());
  });

  it('get bookmarks if they want them', async () => {
    const clients = await useFakeKubeApi({ bookmarkEveryMs: 50 });
    const { seen } = await watch(clients, { allowWatchBookmarks: true });
    await soon(() => expect(seen.map(({ type }) => type)).toContain('BOOKMARK'));
    expect(seen.find(({ type }) => type === 'BOOKMARK')?.object).toMatchObject({
      kind: 'ConfigMap',
      metadata: { resourceVersion: expect.any(String) },
    });
  });

  it('send what is there first and say where it ends', async () => {
    const clients = await useFakeKubeApi();
    await clients.core.createNamespacedConfigMap({ namespace: 'default', body: configMap('one') });
    const { seen } = await watch(clients, {
      allowWatchBookmarks: true,
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
    });
    await soon(() => expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK']));
    expect(seen[1]?.object.metadata?.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  it('carry an informer of the library over cut connections and lost history', async () => {
    const { config, core, server } = await useFakeKubeApi();
    const informer = makeInformer<V1ConfigMap>(config, PATH, () =>
      core.listNamespacedConfigMap({ namespace: 'default' }),
    );
    const names = () =>
      informer
        .list('default')
        .map(({ metadata }) => metadata?.name ?? '')
        .sort((left, right) => left.localeCompare(right));
    // The library ends on a cut connection; who uses it starts again.
    informer.on('error', () => void informer.start());
    await informer.start();
    await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('one') });
    await soon(() => expect(names()).toEqual(['one']));
    server.watches.end();
    await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('two') });
    server.api.compact();
    await soon(() => expect(names()).toEqual(['one', 'two']));
    server.watches.cut();
    await core.deleteNamespacedConfigMap({ name: 'one', namespace: 'default' });
    await soon(() => expect(names()).toEqual(['two']));
    await informer.stop();
  });
});
