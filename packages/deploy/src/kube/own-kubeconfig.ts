/** A kubeconfig of one context, complete in itself: what its files held is in it. */
import { readFileSync } from 'node:fs';
import type { KubeConfig } from '@kubernetes/client-node';
import { DeployError } from '../errors/deploy-error.ts';

interface Named {
  readonly name: string;
  readonly [field: string]: unknown;
}

/** As kubectl writes it. */
export interface KubeconfigFile {
  readonly apiVersion: 'v1';
  readonly kind: 'Config';
  readonly clusters: readonly Named[];
  readonly users: readonly Named[];
  readonly contexts: readonly Named[];
  readonly 'current-context': string;
}

type Fields = Readonly<Record<string, unknown>>;

const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'client-certificate-data',
  'client-key-data',
  'token',
  'password',
  'auth-provider',
  'env',
]);
const MASKED = 'REDACTED';

/**
 * The current context under a name of its own.
 *
 * @throws DeployError where a file that it names cannot be read.
 */
export function ownKubeconfig(config: KubeConfig, name: string, namespace: string): KubeconfigFile {
  const exported = JSON.parse(config.exportConfig()) as {
    clusters: { name: string; cluster: Fields }[];
    users: { name: string; user: Fields }[];
  };
  const cluster = exported.clusters.find((each) => each.name === config.getCurrentCluster()?.name);
  const user = exported.users.find((each) => each.name === config.getCurrentUser()?.name);
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: flattened(cluster?.cluster ?? {}) }],
    users: [{ name, user: flattened(user?.user ?? {}) }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    'current-context': name,
  };
}

/** `certificate-authority: /path` becomes `certificate-authority-data`. */
function flattened(fields: Fields): Fields {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(
    entries.flatMap(([key, value]) => {
      if (!['certificate-authority', 'client-certificate', 'client-key'].includes(key)) return [[key, value]];
      if (`${key}-data` in fields && fields[`${key}-data`] !== undefined) return [];
      return [[`${key}-data`, contentOf(String(value)).toString('base64')]];
    }),
  );
}

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw DeployError.of('cannot-read', path, error);
  }
}

/** For eyes: as `kubectl config view` shows it. */
export function masked<Value>(value: Value): Value {
  return JSON.parse(
    JSON.stringify(value, (key, each: unknown) => (SECRET_FIELDS.has(key) ? MASKED : each)),
  ) as Value;
}

/**
 * One kubeconfig put into another. Its context becomes the current one only where there is none.
 *
 * @returns the names that stand for something else there already; nothing is to be written then.
 */
export function merged(
  into: Readonly<Record<string, unknown>>,
  own: KubeconfigFile,
): { readonly file: Record<string, unknown>; readonly taken: readonly string[] } {
  const file: Record<string, unknown> = { apiVersion: 'v1', kind: 'Config', ...into };
  const taken: string[] = [];
  for (const kind of ['clusters', 'users', 'contexts'] as const) {
    const present = (file[kind] ?? []) as readonly Named[];
    const [mine] = own[kind];
    const other = present.find((each) => each.name === mine?.name);
    if (other !== undefined && JSON.stringify(other) !== JSON.stringify(mine))
      taken.push(`${kind}: ${other.name}`);
    file[kind] = other === undefined ? [...present, ...own[kind]] : present;
  }
  // kubectl leaves an empty one behind.
  if ((into['current-context'] ?? '') === '') file['current-context'] = own['current-context'];
  return { file, taken };
}
