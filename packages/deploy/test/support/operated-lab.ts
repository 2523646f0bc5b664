/** A lab that is applied and runs: the API server of our own, and real servers behind the lab's four addresses. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemaGrantSql, schemaSql } from '@schooldb/client';
import type { EndpointKind } from '@schooldb/client';
import { startFakeKubeApi } from '@schooldb/fake-kube-api';
import type { FakeKubeApi } from '@schooldb/fake-kube-api';
import { startCluster } from '@schooldb/local-cluster';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll } from 'vitest';
import { shippedLab } from '../../scripts/crds/shipped.ts';
import type { Lab } from '../../src/config/lab.ts';
import { addressesOf } from '../../src/operations/credentials/credentials.ts';
import type { Place, Reach } from '../../src/operations/reach.ts';
import { deploy, QUICK } from './use-cluster.ts';
import type { Ran, RunOptions } from './use-cluster.ts';

const START_MS = 240_000;
export const NAME = 'wichtige-daten-3';
export const ACCOUNT = `bauer.${NAME}.credentials.postgresql.acid.zalan.do`;
export const TLS = `${NAME}-tls`;

export interface OperatedLab {
  readonly server: FakeKubeApi;
  readonly database: Cluster;
  readonly lab: Lab;
  /** The lab's addresses as the servers on this machine. */
  readonly reach: Reach;
  /** A directory that is gone afterwards, with the cluster's `kubeconfig` in it. */
  readonly directory: string;
  /** Runs `deploy:lab` against this lab. */
  readonly deploy: (args: readonly string[], options?: RunOptions) => Promise<Ran>;
  /** Replaces values of a Secret; `null` takes one away. */
  readonly patchSecret: (name: string, values: Readonly<Record<string, string | null>>) => void;
}

/**
 * To be called at the top of a file; started before its first test and gone after the last.
 *
 * @param settings - of the servers, beside those of the shipped lab.
 */
export function useOperatedLab(settings: Record<string, string> = {}): () => OperatedLab {
  let running: OperatedLab | undefined;
  const closing: (() => unknown)[] = [];
  beforeAll(async () => {
    running = await start(settings, (close) => closing.push(close));
  }, START_MS);
  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
  }, START_MS);
  return () => {
    if (running === undefined) throw new Error('the lab runs in tests only');
    return running;
  };
}

async function start(
  settings: Record<string, string>,
  onClose: (close: () => unknown) => void,
): Promise<OperatedLab> {
  const [server, database] = await Promise.all([
    startFakeKubeApi({ lab: {} }),
    startCluster({
      maxConnections: 200,
      poolers: true,
      settings: { max_wal_senders: '16', max_replication_slots: '16', ...settings },
      initSql: `${schemaSql()}\n${schemaGrantSql('bauer')}`,
    }),
  ]);
  onClose(() => server.close());
  onClose(() => database.stop());
  const directory = await mkdtemp(join(tmpdir(), 'schooldb-operate-'));
  onClose(() => rm(directory, { recursive: true }));
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig());
  const lab = shippedLab('lab.yaml');
  const reach = reachOf(lab, database);
  const operated: OperatedLab = {
    server,
    database,
    lab,
    reach,
    directory,
    deploy: (args, options) =>
      deploy([...args, '--kubeconfig', kubeconfig], {
        ...options,
        environment: { XDG_STATE_HOME: join(directory, 'state'), ...options?.environment },
        session: { reach, ...options?.session },
      }),
    patchSecret: (name, values) => patchSecret(server, name, values),
  };
  const applied = await operated.deploy(['apply', '--yes'], { pace: QUICK });
  if (applied.code !== 0) throw new Error(applied.err);
  // What the operator would have set in the database, and the certificate that its servers would have got.
  operated.patchSecret(ACCOUNT, { password: database.password });
  operated.patchSecret(TLS, { 'ca.crt': database.ca });
  return operated;
}

function reachOf(lab: Lab, { endpoints }: Cluster): Reach {
  const places = Object.entries(addressesOf(lab)) as [EndpointKind, Place][];
  return ({ host, port }) => {
    const [kind] = places.find(([, place]) => place.host === host && place.port === port) ?? [];
    const reached = kind === undefined ? undefined : endpoints[kind];
    if (reached === undefined) throw new Error(`${host}:${port} is no address of the lab`);
    return { host: reached.host, port: reached.port };
  };
}

function patchSecret(
  server: FakeKubeApi,
  name: string,
  values: Readonly<Record<string, string | null>>,
): void {
  const type = server.api.registry.findKind('v1', 'Secret');
  if (type === undefined) throw new Error('the kind Secret is missing');
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      value === null ? null : Buffer.from(value).toString('base64'),
    ]),
  );
  server.api.patch({ type, namespace: 'default', name }, 'merge', { data }, { manager: 'a test' });
}
