import type { KubeApi } from './kube-api.ts';
import { valueAt } from './live-object.ts';

/** The values of a Secret, decoded; undefined where there is none. */
export async function secretValues(
  kube: KubeApi,
  namespace: string,
  name: string,
): Promise<Record<string, string> | undefined> {
  const observed = await kube.get({ kind: 'Secret', namespace, name });
  if (observed.state !== 'found') return undefined;
  const data = Object.entries((valueAt(observed.object, 'data') ?? {}) as Record<string, string>);
  return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}
