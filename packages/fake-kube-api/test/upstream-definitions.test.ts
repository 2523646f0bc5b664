import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { textAt } from '../src/objects/json.ts';
import { database, pool } from './support/lab.ts';
import {
  applyDefinition,
  failureOf,
  untilDiscovered,
  useFakeKubeApi,
  type AnyObject,
  type Clients,
} from './support/use-fake-kube-api.ts';

/** The upstream files lie beside the project where they are at all. */
const UPSTREAM = new URL('../../../../shared/crds/', import.meta.url);

async function withDefinition(file: string): Promise<Clients> {
  const clients = await useFakeKubeApi();
  const definition = parse(readFileSync(new URL(file, UPSTREAM), 'utf8')) as object;
  await applyDefinition(clients, definition);
  const group = textAt(definition, 'spec', 'group') ?? '';
  await untilDiscovered(clients, `${group}/${textAt(definition, 'spec', 'versions', 0, 'name') ?? ''}`);
  return clients;
}

const DATABASE: AnyObject = database({
  postgresql: { version: '16', parameters: { max_connections: '200', max_wal_senders: '16' } },
  connectionPooler: { numberOfInstances: 2, mode: 'transaction', maxDBConnections: 60 },
  spiloFSGroup: 103,
  tls: { secretName: 'wichtige-daten-3-tls', caFile: 'ca.crt' },
  patroni: {
    ttl: 30,
    loop_wait: 10,
    retry_timeout: 10,
    synchronous_mode: true,
    maximum_lag_on_failover: 33_554_432,
  },
  resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { cpu: '1', memory: '1Gi' } },
});

describe.runIf(existsSync(UPSTREAM))('definitions from upstream', () => {
  for (const version of ['v1.15.1', 'v2.0.1']) {
    it(`of the operator ${version} take a database, refuse a wrong one and drop a null`, async () => {
      const clients = await withDefinition(`acid.zalan.do/postgresqls.${version}.yaml`);
      const first = await clients.apply({
        ...DATABASE,
        spec: { ...DATABASE.spec, maintenanceWindows: null },
      });
      expect(first.spec).toEqual(DATABASE.spec);
      const second = await clients.apply({
        ...DATABASE,
        spec: { ...DATABASE.spec, maintenanceWindows: null },
      });
      expect(second.metadata).toMatchObject({
        generation: 1,
        resourceVersion: first.metadata?.resourceVersion,
      });
      const wrong = await failureOf(
        clients.apply({ ...DATABASE, spec: { ...DATABASE.spec, numberOfInstances: 'three' } }),
      );
      expect(wrong.body).toMatchObject({
        code: 500,
        message: expect.stringContaining('.spec.numberOfInstances: expected numeric'),
      });
      const old = await failureOf(
        clients.apply({ ...DATABASE, spec: { ...DATABASE.spec, postgresql: { version: '9.6' } } }),
      );
      expect(old.body).toMatchObject({
        code: 422,
        details: { causes: [{ reason: 'FieldValueNotSupported', field: 'spec.postgresql.version' }] },
      });
    });
  }

  it('of MetalLB and K3s default what they say', async () => {
    const metallb = await withDefinition('metallb.io/ipaddresspools.v0.16.1.yaml');
    await metallb.core.createNamespace({ body: { metadata: { name: 'metallb-system' } } });
    expect((await metallb.apply(pool('general', ['10.0.145.130/32']))).spec).toEqual({
      addresses: ['10.0.145.130/32'],
      autoAssign: true,
      avoidBuggyIPs: false,
    });
    const helm = await withDefinition('helm.cattle.io/helmcharts.v0.17.7.yaml');
    const chart = {
      apiVersion: 'helm.cattle.io/v1',
      kind: 'HelmChart',
      metadata: { name: 'x', namespace: 'kube-system' },
      spec: { chart: 'x', set: { a: 1, b: 'two' } },
    };
    expect((await helm.apply(chart)).spec).toMatchObject({
      failurePolicy: 'reinstall',
      set: { a: 1, b: 'two' },
    });
  });

  it('are all taken', async () => {
    const clients = await useFakeKubeApi();
    const files = readdirSync(UPSTREAM, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.yaml'),
    );
    for (const file of files)
      await applyDefinition(clients, parse(readFileSync(new URL(file, UPSTREAM), 'utf8')) as object);
    expect(files.length).toBeGreaterThan(5);
  });
});
