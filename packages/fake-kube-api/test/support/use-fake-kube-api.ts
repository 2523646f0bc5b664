import {
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  type KubernetesObject,
  PatchStrategy,
} from '@kubernetes/client-node';
import { afterEach, expect, vi } from 'vitest';
import { raw } from './raw.ts';
import { startFakeKubeApi, type FakeKubeApi, type FakeKubeApiOptions } from '../../src/index.ts';

export interface Clients {
  readonly server: FakeKubeApi;
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly custom: CustomObjectsApi;
  readonly objects: KubernetesObjectApi;
  /** Server-side apply with the library's own method. */
  readonly apply: (
    object: object,
    options?: { manager?: string; force?: boolean; dryRun?: boolean },
  ) => Promise<AnyObject>;
}

export type AnyObject = KubernetesObject & {
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  data?: Record<string, string>;
};

const running: FakeKubeApi[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

/** A server of the test's own, and the real client library connected to it. */
export async function useFakeKubeApi(
  options: FakeKubeApiOptions = {},
  user: 'token' | 'certificate' = 'token',
): Promise<Clients> {
  const server = await startFakeKubeApi(options);
  running.push(server);
  const config = new KubeConfig();
  config.loadFromString(server.kubeconfig({ user }));
  const objects = KubernetesObjectApi.makeApiClient(config);
  return {
    server,
    config,
    core: config.makeApiClient(CoreV1Api),
    custom: config.makeApiClient(CustomObjectsApi),
    objects,
    apply: async (object, { manager = 'deploy', force, dryRun = false } = {}) =>
      await objects.patch<AnyObject>(
        object,
        undefined,
        dryRun ? 'All' : undefined,
        manager,
        force,
        PatchStrategy.ServerSideApply,
      ),
  };
}

export interface Failure {
  readonly code: number;
  /** What the server sent, parsed where it was JSON. */
  readonly body: {
    reason?: string;
    message?: string;
    details?: {
      causes?: { reason?: string; message?: string; field?: string }[];
      name?: string;
      kind?: string;
      group?: string;
      retryAfterSeconds?: number;
    };
    metadata?: object;
    status?: string;
    kind?: string;
    code?: number;
  };
  readonly text: string;
  readonly headers: Record<string, string>;
}

/** The error that a call of the library ends in. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    const { code, body, headers } = error as { code: number; body: unknown; headers: Record<string, string> };
    if (code === undefined) throw error;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return { code, text, headers, body: parsed(text) };
  }
  throw new Error('the call was expected to fail, but succeeded');
}

function parsed(text: string): Failure['body'] {
  try {
    return JSON.parse(text) as Failure['body'];
  } catch {
    return {};
  }
}

export function configMap(
  name: string,
  data: Record<string, string> = { a: '1' },
  metadata: object = {},
): AnyObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...metadata }, data };
}

export function deployment(name: string, container: object = {}, spec: object = {}): AnyObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'nginx:1.29', ...container }] },
      },
      ...spec,
    },
  };
}

/**
 * Applies a CustomResourceDefinition as plain JSON: the library's own method would drop every field whose name it spells
 * in another way in its classes (`default`, `enum`, `x-kubernetes-…`).
 */
export async function applyDefinition({ server }: Clients, definition: object): Promise<AnyObject> {
  const { name } = (definition as AnyObject).metadata ?? {};
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name ?? ''}?fieldManager=deploy`;
  const { code, text } = await raw(server, path, {
    method: 'PATCH',
    contentType: 'application/apply-patch+yaml',
    body: definition,
  });
  expect(code, text).toBeLessThan(300);
  return JSON.parse(text) as AnyObject;
}

/** Waits until discovery lists a group. */
export async function untilDiscovered({ server }: Clients, groupVersion: string): Promise<void> {
  await vi.waitFor(async () => expect((await raw(server, `/apis/${groupVersion}`)).code).toBe(200), {
    timeout: 20_000,
  });
}
