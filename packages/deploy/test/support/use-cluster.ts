import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFakeKubeApi } from '@schooldb/fake-kube-api';
import type { FakeKubeApi, FakeKubeApiOptions, KubeObject, LoggedRequest } from '@schooldb/fake-kube-api';
import { onTestFinished, vi } from 'vitest';
import { shippedText } from '../../scripts/crds/shipped.ts';
import type { Session } from '../../src/cli/command.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import type { Pace } from '../../src/kube/pace.ts';
import { pathOf } from '../../src/kube/resource.ts';
import { KIND_SCHEMAS } from '../../src/manifests/schema/kinds.ts';
import type { KubeKind } from '../../src/manifests/schema/kinds.ts';
import { QUICK } from './pace.ts';
import { decoded } from './secret-of.ts';

export { QUICK } from './pace.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly pace?: Pace;
  readonly environment?: NodeJS.ProcessEnv;
  readonly ask?: (question: string) => Promise<string>;
  /** Hears each line of standard output as it comes. */
  readonly onLine?: (line: string) => void;
  /** What else of a session is to be other than usual. */
  readonly session?: Partial<Session>;
}

export interface UsedCluster {
  readonly server: FakeKubeApi;
  /** A directory of the test's own, with the cluster's `kubeconfig` in it. */
  readonly directory: string;
  /** Runs `deploy:lab` with the cluster's kubeconfig. */
  readonly deploy: (args: readonly string[], options?: RunOptions) => Promise<Ran>;
  /** The shipped lab, changed, as a file. */
  readonly labFile: (edit: (text: string) => string) => Promise<string>;
}

/** The shipped lab with KlaTab, so that every step and kind there is has something to do. */
export function withKlatab(lab: string): string {
  return lab.replace('# klatab: {', 'klatab: {');
}

/** A lab without MetalLB, operator or database: what K3s leaves behind. Gone when the test is over. */
export async function useCluster(options: FakeKubeApiOptions = {}): Promise<UsedCluster> {
  const server = await startFakeKubeApi({ lab: {}, ...options });
  onTestFinished(() => server.close());
  const directory = await mkdtemp(join(tmpdir(), 'schooldb-apply-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig());
  return {
    server,
    directory,
    deploy: (args, run) =>
      deploy([...args, '--kubeconfig', kubeconfig], {
        ...run,
        environment: { XDG_STATE_HOME: join(directory, 'state'), ...run?.environment },
      }),
    async labFile(edit) {
      const path = join(directory, 'lab.yaml');
      await writeFile(path, edit(shippedText('lab.yaml')));
      return path;
    },
  };
}

export async function deploy(
  args: readonly string[],
  { pace = QUICK, environment = {}, ask, session: more = {}, onLine }: RunOptions = {},
): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  const session = { environment, signal: new AbortController().signal, ask, pace, ...more };
  const code = await runCli(args, session, {
    out: (line) => {
      out.push(line);
      onLine?.(line);
    },
    err: (line) => err.push(line),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

/** The kinds that Prometheus' operator brings, without it. */
export async function addMonitoring({ api }: FakeKubeApi): Promise<void> {
  const type = api.registry.findKind('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
  if (type === undefined) throw new Error('no definitions');
  const group = 'monitoring.coreos.com';
  const kinds = ['PodMonitor', 'PrometheusRule'];
  for (const kind of kinds) {
    const plural = `${kind.toLowerCase()}s`;
    const spec = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
    const versions = [{ name: 'v1', served: true, storage: true, schema }];
    const names = { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` };
    api.create(
      { type, namespace: '', name: '' },
      { metadata: { name: `${plural}.${group}` }, spec: { group, scope: 'Namespaced', names, versions } },
      { manager: 'prometheus' },
    );
  }
  await vi.waitFor(() => {
    for (const kind of kinds)
      if (api.registry.findKind(`${group}/v1`, kind) === undefined) throw new Error(`no ${kind} yet`);
  }, 30_000);
}

/** What was written of the lab itself; the lock has its own test. */
export function writesTo(server: FakeKubeApi): LoggedRequest[] {
  return server.requests.writes().filter(({ resource }) => resource !== 'leases');
}

/** Everything that is ours in the cluster, without what differs from one cluster to another by nature. */
export function objectsOf(server: FakeKubeApi): unknown[] {
  return ours(server).map(({ metadata, ...object }) => {
    const { name, namespace, labels, annotations } = metadata;
    const shown: Record<string, unknown> = {
      ...object,
      status: undefined,
      name,
      namespace,
      labels,
      annotations,
    };
    if (object.kind === 'Secret') shown['data'] = Object.keys(object['data'] as object).toSorted();
    const text = JSON.stringify(shown)
      .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
      .replaceAll(/"resourceVersion":"\d+"/g, '"resourceVersion":"VERSION"');
    return JSON.parse(text) as unknown;
  });
}

/** The values of all Secrets that are ours, by their names. */
export function secretsOf(server: FakeKubeApi): Record<string, Record<string, string>> {
  return Object.fromEntries(
    ours(server)
      .filter(({ kind }) => kind === 'Secret')
      .map(({ metadata, ...object }) => {
        const { username: _, ...values } = decoded(object['data'] as Record<string, string>);
        return [metadata.name ?? '', values];
      }),
  );
}

/** All objects that are ours. */
export function ours(server: FakeKubeApi): KubeObject[] {
  const kinds = Object.keys(KIND_SCHEMAS) as KubeKind[];
  return kinds
    .flatMap((kind) => server.api.store.list(storeKey(kind)))
    .filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/managed-by'] === 'schooldb-deploy');
}

function storeKey(kind: KubeKind): string {
  const [, root, group = '', ...rest] = pathOf({ kind }).split('/');
  return root === 'api' ? `/${rest.at(-1) ?? ''}` : `${group}/${rest.at(-1) ?? ''}`;
}
