/** The Job that installs the helper schema, carried out: its SQL with its account against the real servers. */
import { checkServerIdentity } from 'node:tls';
import type { FakeKubeApi, KubeObject } from '@schooldb/fake-kube-api';
import type { Cluster } from '@schooldb/local-cluster';
import pg from 'pg';
import { NAME } from './names.ts';
import { secretOf } from './secret-of.ts';

interface PodSpec {
  readonly containers: readonly {
    readonly command?: readonly string[];
    readonly env?: readonly {
      readonly name: string;
      readonly value?: string;
      readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
    }[];
  }[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly secret?: { readonly secretName: string };
  }[];
}

export class HelperJobs {
  readonly #server: FakeKubeApi;
  readonly #onFailure: (error: unknown) => void;
  readonly #runs = new Map<string, Promise<void>>();
  readonly #done = new Set<string>();

  constructor(server: FakeKubeApi, onFailure: (error: unknown) => void) {
    this.#server = server;
    this.#onFailure = onFailure;
  }

  /** Begins what a pod is there for. */
  look(pod: KubeObject, database: Cluster): void {
    const uid = pod.metadata.uid ?? '';
    if (!isHelper(pod) || this.#runs.has(uid)) return;
    const run = this.#run(pod, database).then(() => {
      this.#done.add(uid);
      this.#server.lab.start('kubelet');
    });
    this.#runs.set(uid, run.catch(this.#onFailure));
  }

  mayEnd(pod: KubeObject): boolean {
    return !isHelper(pod) || this.#done.has(pod.metadata.uid ?? '');
  }

  async over(): Promise<void> {
    await Promise.all(this.#runs.values());
  }

  /** What its psql would do, with the certificate verified by the name that it calls. */
  async #run({ metadata: { namespace = '' }, ...pod }: KubeObject, database: Cluster): Promise<void> {
    const { containers, volumes = [] } = pod['spec'] as PodSpec;
    const env = (name: string): string => {
      const found = containers[0]?.env?.find((each) => each.name === name);
      const { name: secret = '', key = '' } = found?.valueFrom?.secretKeyRef ?? {};
      return found?.value ?? secretOf(this.#server, namespace, secret)?.[key] ?? '';
    };
    const mounted = (name: string) => volumes.find((each) => each.name === name);
    const sql = this.#configMap(namespace, mounted('sql')?.configMap?.name ?? '')['schooldb.sql'] ?? '';
    const ca = secretOf(this.#server, namespace, mounted('tls')?.secret?.secretName ?? '')?.['ca.crt'] ?? '';
    const host = env('PGHOST');
    if (host !== `${NAME}.${namespace}.svc`) throw new Error(`${host} does not lead to the primary`);
    if (!(containers[0]?.command?.includes('--single-transaction') ?? false))
      throw new Error('only whole transactions are run here');
    const client = new pg.Client({
      ...database.endpoints.master,
      database: env('PGDATABASE'),
      user: env('PGUSER'),
      password: env('PGPASSWORD'),
      ssl: { ca, checkServerIdentity: (_host, certificate) => checkServerIdentity(host, certificate) },
    });
    client.on('error', () => {});
    await client.connect();
    try {
      await client.query('BEGIN');
      await client.query(sql);
      await client.query('COMMIT');
    } finally {
      await client.end();
    }
  }

  #configMap(namespace: string, name: string): Record<string, string> {
    const data = this.#server.api.store.get('/configmaps', namespace, name)?.['data'];
    return (data ?? {}) as Record<string, string>;
  }
}

function isHelper({ metadata }: KubeObject): boolean {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'Job');
  return owner?.name.startsWith('schooldb-schema-') === true;
}
