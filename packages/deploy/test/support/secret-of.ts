import type { FakeKubeApi } from '@schooldb/fake-kube-api';

/** The values of a Secret, decoded; undefined where there is none. */
export function secretOf(
  { api }: FakeKubeApi,
  namespace: string,
  name: string,
): Record<string, string> | undefined {
  const data = api.store.get('/secrets', namespace, name)?.['data'] as Record<string, string> | undefined;
  return data && decoded(data);
}

/** The `data` of a Secret as what it stands for. */
export function decoded(data: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

/** Replaces values of a Secret; `null` takes one away. */
export function patchSecret(
  { api }: FakeKubeApi,
  namespace: string,
  name: string,
  values: Readonly<Record<string, string | null>>,
): void {
  const type = api.registry.findKind('v1', 'Secret');
  if (type === undefined) throw new Error('the kind Secret is missing');
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      value === null ? null : Buffer.from(value).toString('base64'),
    ]),
  );
  api.patch({ type, namespace, name }, 'merge', { data }, { manager: 'a test' });
}
