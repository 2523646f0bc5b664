/** A lab with real servers: the API server of our own, and behind the lab's four addresses what its operator has started. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkServerIdentity } from 'node:tls';
import type { EndpointKind } from '@schooldb/client';
import { startFakeKubeApi } from '@schooldb/fake-kube-api';
import type { FakeKubeApi } from '@schooldb/fake-kube-api';
import type { Cluster } from '@schooldb/local-cluster';
import type { ClientConfig } from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { shippedLab, shippedText } from '../../scripts/crds/shipped.ts';
import type { Lab } from '../../src/config/lab.ts';
import { addressesOf } from '../../src/operations/credentials/credentials.ts';
import type { Place, Reach, Reached } from '../../src/operations/reach.ts';
import { RealOperator } from './real-operator.ts';
import type { RealOperatorOptions } from './real-operator.ts';
import { patchSecret } from './secret-of.ts';
import { deploy, QUICK } from './use-cluster.ts';
import type { Ran, RunOptions } from './use-cluster.ts';

export { ACCOUNT, NAME, TLS } from './names.ts';

const START_MS = 240_000;
const NAMESPACE = 'default';

export interface OperatedLab {
  readonly server: FakeKubeApi;
  /** @throws where it is not up yet */
  readonly database: Cluster;
  readonly lab: Lab;
  /** The lab's addresses as the servers on this machine, whose certificate is that of the lab. */
  readonly reach: Reach;
  /** A directory that is gone afterwards, with the cluster's `kubeconfig` in it. */
  readonly directory: string;
  /** Runs `deploy:lab` against this lab. */
  readonly deploy: (args: readonly string[], options?: RunOptions) => Promise<Ran>;
  /** Replaces values of a Secret; `null` takes one away. */
  readonly patchSecret: (name: string, values: Readonly<Record<string, string | null>>) => void;
  /** How pg connects to the master address as the lab's user. */
  readonly access: () => ClientConfig;
  /** Pods that are not ready before they are taken out. */
  readonly away: Set<string>;
  /** Why there will be no servers; otherwise it never ends. */
  readonly failure: Promise<never>;
}

export interface OperatedLabOptions extends RealOperatorOptions {
  /** What is to be other than in the shipped lab. */
  readonly edit?: (text: string) => string;
}

/**
 * To be called at the top of a file: applied and running before its first test, and gone after the last.
 *
 * @param options - settings of the servers are those beside the shipped lab's.
 */
export function useOperatedLab({ edit, ...options }: OperatedLabOptions = {}): () => OperatedLab {
  let running: OperatedLab | undefined;
  const closing: (() => unknown)[] = [];
  beforeAll(async () => {
    running = await startEmptyLab(options, (close) => closing.push(close));
    const args = ['apply', '--yes'];
    if (edit !== undefined) {
      const path = join(running.directory, 'applied.yaml');
      await writeFile(path, edit(shippedText('lab.yaml')));
      args.push('--lab', path);
    }
    const applied = await Promise.race([running.deploy(args), running.failure]);
    if (applied.code !== 0) throw new Error(applied.err);
  }, START_MS);
  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
  }, START_MS);
  return () => {
    if (running === undefined) throw new Error('the lab runs in tests only');
    return running;
  };
}

/** What K3s leaves behind, and an operator to come that will start real servers. */
export async function startEmptyLab(
  options: RealOperatorOptions,
  onClose: (close: () => unknown) => void,
): Promise<OperatedLab> {
  const server = await startFakeKubeApi({ lab: {} });
  onClose(() => server.close());
  const operator = new RealOperator(server, options);
  onClose(() => operator.close());
  const directory = await mkdtemp(join(tmpdir(), 'schooldb-operate-'));
  onClose(() => rm(directory, { recursive: true }));
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig());
  const lab = shippedLab('lab.yaml');
  const reach: Reach = (place) => reachedAt(operator.running, kindOf(lab, place), place);
  return {
    server,
    get database() {
      return operator.running;
    },
    lab,
    reach,
    directory,
    deploy: (args, run) =>
      deploy([...args, '--kubeconfig', kubeconfig], {
        pace: QUICK,
        ...run,
        environment: { XDG_STATE_HOME: join(directory, 'state'), ...run?.environment },
        session: { reach, ...run?.session },
      }),
    patchSecret: (name, values) => patchSecret(server, NAMESPACE, name, values),
    access: () => accessTo(operator.running, reach(addressesOf(lab).master)),
    away: operator.away,
    failure: operator.database.then(() => new Promise<never>(() => {})),
  };
}

function kindOf(lab: Lab, { host, port }: Place): EndpointKind {
  const places = Object.entries(addressesOf(lab)) as [EndpointKind, Place][];
  const [kind] = places.find(([, place]) => place.host === host && place.port === port) ?? [];
  if (kind === undefined) throw new Error(`${host}:${port} is no address of the lab`);
  return kind;
}

function reachedAt(database: Cluster, kind: EndpointKind, place: Place): Reached {
  const reached = database.endpoints[kind];
  if (reached === undefined) throw new Error(`there is no ${kind}`);
  const { host, port } = reached;
  return { host, port, serverName: place.host };
}

function accessTo({ database, user, password, ca }: Cluster, { host, port, serverName = host }: Reached) {
  return {
    host,
    port,
    database,
    user,
    password,
    ssl: {
      ca,
      checkServerIdentity: (_host: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
        checkServerIdentity(serverName, certificate),
    },
  };
}
