/**
 * What the operator does with real servers, which the API server of our own leaves out: a `postgresql` becomes a cluster on
 * this machine, with the passwords and the certificate of the Secrets that are there. Until it is up no pod of it is ready,
 * and so the resource does not become Running.
 */
import type { FakeKubeApi, KubeObject } from '@schooldb/fake-kube-api';
import { POSTGRES_VERSIONS, startCluster } from '@schooldb/local-cluster';
import type { Cluster, StartOptions } from '@schooldb/local-cluster';
import { HelperJobs } from './helper-jobs.ts';
import { secretOf } from './secret-of.ts';

export interface RealOperatorOptions {
  /** @defaultValue 'embedded' */
  readonly engine?: 'embedded' | 'patroni';
  /** Of the servers, beside those of the resource. */
  readonly settings?: Readonly<Record<string, string>>;
}

interface Spec {
  readonly numberOfInstances: number;
  readonly postgresql: { readonly version: string; readonly parameters: Readonly<Record<string, string>> };
  readonly databases: Readonly<Record<string, string>>;
  readonly patroni: { readonly synchronous_mode: boolean };
  readonly tls: { readonly secretName: string };
}

export class RealOperator {
  /** Pods that are not ready before they are taken out: something of theirs is not back yet. */
  readonly away = new Set<string>();
  readonly #server: FakeKubeApi;
  readonly #options: RealOperatorOptions;
  readonly #jobs: HelperJobs;
  readonly #started = Promise.withResolvers<Cluster>();
  readonly #stopWatching: () => void;
  readonly #fail = (error: unknown): void => this.#started.reject(error);
  #starting: Promise<void> | undefined;
  #database: Cluster | undefined;

  constructor(server: FakeKubeApi, options: RealOperatorOptions = {}) {
    this.#server = server;
    this.#options = options;
    this.#jobs = new HelperJobs(server, this.#fail);
    // Nobody may be waiting when it fails.
    this.#started.promise.catch(() => {});
    server.lab.faults.stuckPods = (pod) => !this.#mayRun(pod);
    this.#stopWatching = server.api.store.onChange(({ resource, object }) => {
      if (resource === 'acid.zalan.do/postgresqls' || resource === '/secrets') this.#look();
      else if (resource === '/pods' && this.#database !== undefined) this.#jobs.look(object, this.#database);
    });
  }

  /** Resolves once the servers are up, as the resource wants them. @throws why they are not */
  get database(): Promise<Cluster> {
    return this.#started.promise;
  }

  /** @throws where they are not up yet */
  get running(): Cluster {
    if (this.#database === undefined) throw new Error('there are no servers yet');
    return this.#database;
  }

  async close(): Promise<void> {
    this.#stopWatching();
    await this.#starting;
    await this.#jobs.over();
    await this.#database?.stop();
  }

  /** As soon as everything is there that it takes. */
  #look(): void {
    if (this.#starting !== undefined) return;
    const [resource] = this.#server.api.store.list('acid.zalan.do/postgresqls');
    const options = resource === undefined ? undefined : this.#optionsFor(resource);
    if (options !== undefined) this.#starting = this.#start(options).catch(this.#fail);
  }

  async #start(options: StartOptions): Promise<void> {
    this.#database = await startCluster(options);
    this.#started.resolve(this.#database);
    for (const pod of this.#server.api.store.list('/pods')) this.#jobs.look(pod, this.#database);
    // Who was not ready is looked at again.
    this.#server.lab.start('kubelet');
  }

  #optionsFor({ metadata, ...object }: KubeObject): StartOptions | undefined {
    const spec = object['spec'] as Spec;
    const { max_connections: maxConnections, ...parameters } = spec.postgresql.parameters;
    const [[database, user] = ['', '']] = Object.entries(spec.databases);
    const secret = (name: string) => secretOf(this.#server, metadata.namespace ?? '', name);
    const account = (role: string) =>
      secret(`${role}.${metadata.name ?? ''}.credentials.postgresql.acid.zalan.do`);
    const [owner, superuser, tls] = [account(user), account('postgres'), secret(spec.tls.secretName)];
    if (owner === undefined || superuser === undefined || tls === undefined) return undefined;
    return {
      replicas: spec.numberOfInstances - 1,
      synchronous: spec.patroni.synchronous_mode,
      maxConnections: Number(maxConnections),
      poolers: true,
      database,
      user,
      password: owner['password'] ?? '',
      superuserPassword: superuser['password'] ?? '',
      settings: { ...parameters, ...this.#options.settings },
      certificates: {
        ca: tls['ca.crt'] ?? '',
        certificate: tls['tls.crt'] ?? '',
        key: tls['tls.key'] ?? '',
      },
      engine: this.#options.engine ?? 'embedded',
      version: POSTGRES_VERSIONS.find((each) => String(each) === spec.postgresql.version) ?? 16,
    };
  }

  /** Pods of the database and its poolers run while there are servers behind them, Jobs once they have done their work. */
  #mayRun(pod: KubeObject): boolean {
    const application = pod.metadata.labels?.['application'];
    if (application === 'spilo' || application === 'db-connection-pooler')
      return this.#database !== undefined && !this.away.has(pod.metadata.name ?? '');
    return this.#jobs.mayEnd(pod);
  }
}
