import { randomBytes } from 'node:crypto';
import { Api } from './api/api.ts';
import { systemClock, type Clock } from './clock.ts';
import { Definitions, type DefinitionDelays } from './definitions/definitions.ts';
import { FaultBook } from './faults/fault-book.ts';
import { ApiServer } from './http/api-server.ts';
import { makeCertificates, type ServerCertificates } from './http/certificates.ts';
import { kubeconfig } from './http/kubeconfig.ts';
import { PodPrograms } from './http/pod-programs.ts';
import { PodStreams } from './http/pod-streams.ts';
import { RequestLog } from './http/request-log.ts';
import { ResourceHandler } from './http/resource-handler.ts';
import { Watches } from './http/watch.ts';
import { Lab, type LabOptions } from './lab/lab.ts';

export interface FakeKubeApiOptions {
  /** What time it is for the server and its controllers. @defaultValue the system's */
  clock?: Clock;
  /** How often a watch that asks for bookmarks gets one. @defaultValue 60000 */
  bookmarkEveryMs?: number;
  /** How long a new CustomResourceDefinition takes. @defaultValue 20 ms until it is established, 50 ms more in discovery */
  definitions?: DefinitionDelays;
  /** Makes it a cluster of K3s with controllers, rather than a bare API. @defaultValue false */
  lab?: LabOptions | false;
}

/** A running server. */
export class FakeKubeApi {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  /** A bearer token of an administrator. */
  readonly token: string;
  /** The same operations without HTTP; what is done here is not in the request log. */
  readonly api: Api;
  readonly faults: FaultBook;
  readonly requests: RequestLog;
  readonly watches: Watches;
  /** What runs inside of pods: logs, commands, ports. */
  readonly pods: PodPrograms;
  readonly #lab: Lab | undefined;
  readonly #server: ApiServer;
  readonly #certificates: ServerCertificates;

  constructor(parts: {
    url: string;
    token: string;
    api: Api;
    faults: FaultBook;
    requests: RequestLog;
    watches: Watches;
    pods: PodPrograms;
    lab: Lab | undefined;
    server: ApiServer;
    certificates: ServerCertificates;
  }) {
    this.url = parts.url;
    this.ca = parts.certificates.ca;
    this.token = parts.token;
    this.api = parts.api;
    this.faults = parts.faults;
    this.requests = parts.requests;
    this.watches = parts.watches;
    this.pods = parts.pods;
    this.#lab = parts.lab;
    this.#server = parts.server;
    this.#certificates = parts.certificates;
  }

  /** YAML by which any client reaches this server. */
  kubeconfig({
    user = 'token',
    namespace = 'default',
  }: { user?: 'token' | 'certificate'; namespace?: string } = {}): string {
    return kubeconfig({
      server: this.url,
      ca: this.ca,
      user: user === 'token' ? { token: this.token } : this.#certificates.client,
      namespace,
    });
  }

  /** The cluster behind the API. @throws if the server was started without one */
  get lab(): Lab {
    if (this.#lab === undefined) throw new Error('this server has no lab: start it with the option lab');
    return this.#lab;
  }

  /** Cuts all connections and frees the port. May be called twice. */
  async close(): Promise<void> {
    this.watches.end();
    await this.#server.close();
    this.#lab?.controllers.close();
  }
}

/** Starts a server on 127.0.0.1 and a free port, with the namespaces that every cluster has. */
export async function startFakeKubeApi({
  clock = systemClock,
  bookmarkEveryMs = 60_000,
  definitions = { establishMs: 20, discoverMs: 50 },
  lab = false,
}: FakeKubeApiOptions = {}): Promise<FakeKubeApi> {
  const api = new Api(clock);
  const custom = new Definitions(api, definitions);
  const certificates = await makeCertificates();
  const token = randomBytes(24).toString('base64url');
  const faults = new FaultBook();
  const requests = new RequestLog();
  const pods = new PodPrograms();
  const watches = new Watches(api, { bookmarkEveryMs });
  const handler = new ResourceHandler(api, watches, pods);
  const server = new ApiServer(api, {
    certificates,
    token,
    handler,
    faults,
    log: requests,
    streams: new PodStreams(api, pods),
  });
  createStandardNamespaces(api);
  const running = lab === false ? undefined : new Lab(api, lab);
  custom.establishAll();
  const port = await server.listen();
  return new FakeKubeApi({
    url: `https://127.0.0.1:${port}`,
    token,
    api,
    faults,
    requests,
    watches,
    pods,
    lab: running,
    server,
    certificates,
  });
}

function createStandardNamespaces(api: Api): void {
  const type = api.registry.findKind('v1', 'Namespace');
  if (type === undefined) throw new Error('the kind Namespace is missing');
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    api.create({ type, namespace: '', name: '' }, { metadata: { name } }, { manager: 'kube-apiserver' });
  }
}
