import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { examineLab } from '../src/config/examine.ts';
import { parseRange } from '../src/config/ipv4.ts';
import type { Lab } from '../src/config/lab.ts';
import { certificatePlan } from '../src/manifests/certificate-plan.ts';
import type { ManifestStep } from '../src/manifests/manifest.ts';
import { chartFileName, CHARTS } from '../src/manifests/pins.ts';
import type { ChartName } from '../src/manifests/pins.ts';
import { kubeObjectSchema } from '../src/manifests/schema/kinds.ts';
import type { KubeKind, KubeObject } from '../src/manifests/schema/kinds.ts';
import { manifestSteps } from '../src/manifests/steps.ts';
import { renderFiles } from '../src/render/files.ts';
import { shippedLab, SHIPPED_LABS } from '../scripts/crds/shipped.ts';
import { arbitraryLab } from './support/arbitrary-lab.ts';
import { validateCoreKind } from './support/core-kinds.ts';

const RUNS = { numRuns: 40 };
/** Instead of the client's SQL, so that a change there is none here. */
const INPUTS = {
  helperSql: 'SELECT 1;\n',
  chartFiles: new Map(
    (Object.keys(CHARTS) as ChartName[]).map((name) => [
      chartFileName(name),
      Buffer.from(`the chart ${name}`),
    ]),
  ),
};

const stepsOf = (lab: Lab): ManifestStep[] => manifestSteps(lab, INPUTS);
const objectsOf = (lab: Lab): KubeObject[] =>
  stepsOf(lab).flatMap(({ manifests }) => manifests.map(({ object }) => object));

function ofKind<Kind extends KubeKind>(lab: Lab, kind: Kind): Extract<KubeObject, { kind: Kind }>[] {
  return objectsOf(lab).filter((each): each is Extract<KubeObject, { kind: Kind }> => each.kind === kind);
}

const holds = (property: (lab: Lab) => void) => fc.assert(fc.property(arbitraryLab, property), RUNS);

describe.each(SHIPPED_LABS)('the objects of the shipped %s', (file) => {
  const profile = shippedLab(file).profile;
  it.each([...renderFiles(stepsOf(shippedLab(file)))])('are as agreed in %s', async (name, content) => {
    await expect(content).toMatchFileSnapshot(`golden/${profile}/${name}`);
  });
});

describe('the objects of any lab', () => {
  it('come from labs that are right, also once they have been written and read', () => {
    holds((lab) => {
      const examined = examineLab(stringify(lab, { aliasDuplicateObjects: false }));
      expect(examined).toEqual({ ok: true, lab });
    });
  });

  it('have the fields that we have thought about, and no others', () => {
    holds((lab) => {
      for (const object of objectsOf(lab)) expect(kubeObjectSchema.parse(object)).toEqual(object);
    });
  });

  it('pass the schemas of Kubernetes, where they are of its own kinds', () => {
    holds((lab) => {
      expect(objectsOf(lab).filter(validateCoreKind).length).toBeGreaterThan(10);
    });
  });

  it('are the same bytes for the same lab', () => {
    holds((lab) => {
      expect([...renderFiles(stepsOf(structuredClone(lab)))]).toEqual([...renderFiles(stepsOf(lab))]);
    });
  });

  it('mean the same to a reader of YAML 1.1, such as kubectl', () => {
    holds((lab) => {
      const read = [...renderFiles(stepsOf(lab)).values()].flatMap((content) =>
        parseAllDocuments(content, { version: '1.1' }).map((document) => document.toJS() as unknown),
      );
      expect(read).toEqual(objectsOf(lab));
    });
  });

  it('hold no secret: only names, and where the values come from', () => {
    holds((lab) => {
      for (const { object, secretValues } of stepsOf(lab).flatMap(({ manifests }) => manifests)) {
        expect(secretValues !== undefined).toBe(object.kind === 'Secret');
        if (object.kind !== 'Secret') continue;
        const isLogin = object.type === 'Opaque' && !object.metadata.name.endsWith('-klatab');
        expect(Object.keys(object.data ?? {})).toEqual(isLogin ? ['username'] : []);
        expect(Object.keys(secretValues ?? {}).length).toBeGreaterThan(0);
      }
    });
  });

  it('are named once each, in namespaces that are there or made first', () => {
    holds((lab) => {
      const present = new Set(['default', 'kube-system']);
      const names = new Set<string>();
      for (const object of objectsOf(lab)) {
        const namespace = 'namespace' in object.metadata ? object.metadata.namespace : '';
        const name = `${object.kind} ${namespace}/${object.metadata.name}`;
        expect(names).not.toContain(name);
        names.add(name);
        if (namespace !== '') expect(present).toContain(namespace);
        if (object.kind === 'Namespace') present.add(object.metadata.name);
      }
    });
  });

  it('have labels that Kubernetes accepts', () => {
    holds((lab) => {
      for (const { metadata } of objectsOf(lab))
        for (const value of Object.values(metadata.labels))
          expect(value).toMatch(/^[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/);
    });
  });

  it('give MetalLB every address of the pool exactly once, and the four to their services', () => {
    holds((lab) => {
      const pools = ofKind(lab, 'IPAddressPool');
      const given = pools.flatMap(({ spec }) => spec.addresses.flatMap(addressesIn));
      expect(given.toSorted((a, b) => a - b)).toEqual(addressesIn(lab.network.addressPool));
      const pinned = pools.filter(({ spec }) => spec.serviceAllocation !== undefined);
      expect(pinned.map(({ spec }) => spec.addresses[0])).toEqual(
        (['master', 'replica', 'replicaPooler', 'masterPooler'] as const).map(
          (kind) => `${lab.network.addresses[kind]}/32`,
        ),
      );
      const selectors = pinned.map(({ spec }) => JSON.stringify(spec.serviceAllocation));
      expect(new Set(selectors).size).toBe(4);
      expect(ofKind(lab, 'L2Advertisement')[0]?.spec.ipAddressPools).toEqual(
        pools.map(({ metadata }) => metadata.name),
      );
    });
  });

  it('let the client networks in on every way: source ranges, pg_hba and network policies', () => {
    holds((lab) => {
      const [cluster] = ofKind(lab, 'postgresql');
      const policies = JSON.stringify(ofKind(lab, 'NetworkPolicy'));
      expect(cluster?.spec.allowedSourceRanges).toEqual(lab.network.clientNetworks);
      for (const network of lab.network.clientNetworks) {
        expect(cluster?.spec.patroni.pg_hba).toContain(`hostssl all all ${network} scram-sha-256`);
        expect(policies).toContain(`{"cidr":"${network}"}`);
      }
    });
  });

  it('are in an order in which each finds what it needs', () => {
    holds((lab) => {
      const order = stepsOf(lab).map(({ id }) => id);
      for (const [first, then] of [
        ['namespaces', 'charts'],
        ['charts', 'addresses'],
        ['addresses', 'cluster'],
        ['network-policies', 'cluster'],
        ['certificates', 'cluster'],
        ['credentials', 'cluster'],
        ['storage', 'cluster'],
        ['cluster', 'helper-schema'],
      ] as const)
        expect(order.indexOf(first), `${first} before ${then}`).toBeLessThan(order.indexOf(then));
    });
  });

  it('come with charts that are pinned, or brought along, and never uninstalled by themselves', () => {
    holds((lab) => {
      for (const { spec } of ofKind(lab, 'HelmChart')) {
        expect(spec.failurePolicy).toBe('abort');
        expect(spec.version === undefined).toBe(lab.charts.source === 'directory');
        expect(spec.chartContent === undefined).toBe(lab.charts.source === 'repository');
      }
    });
  });
});

describe('single objects', () => {
  const lab = shippedLab('lab.yaml');

  it('cover all four addresses and services with one certificate', () => {
    const { dnsNames, ipAddresses } = certificatePlan(lab);
    expect(ipAddresses.toSorted()).toEqual(['10.0.145.135', '10.0.145.136', '10.0.145.137', '10.0.145.138']);
    expect(dnsNames).toContain('wichtige-daten-3.default.svc');
    expect(dnsNames).toContain('wichtige-daten-3-pooler-repl.default.svc.cluster.local');
  });

  it('let the nodes themselves in, and no pod, where a load balancer hides the client', () => {
    const [addresses] = ofKind(lab, 'NetworkPolicy').filter(({ metadata }) =>
      metadata.name.endsWith('-addresses'),
    );
    const blocks = addresses?.spec.ingress[0]?.from.flatMap((peer) =>
      'ipBlock' in peer ? [peer.ipBlock.cidr] : [],
    );
    expect(blocks).toContain('10.42.0.0/31');
    expect(blocks).toContain('10.42.255.0/31');
    expect(blocks).toHaveLength(1 + 256);
  });

  it('run the helper SQL as another Job once it has changed, and as the same one otherwise', () => {
    const jobs = ['SELECT 1;', 'SELECT 1;', 'SELECT 2;'].map((helperSql) =>
      manifestSteps(lab, { helperSql })
        .flatMap(({ manifests }) => manifests)
        .find(({ object }) => object.kind === 'Job'),
    );
    expect(jobs[0]).toEqual(jobs[1]);
    expect(jobs[0]?.object.metadata.name).not.toBe(jobs[2]?.object.metadata.name);
  });

  it('run KlaTab where the lab asks for it, with the way to the database and no secret', () => {
    expect(ofKind(lab, 'Deployment')).toEqual([]);
    const app = { image: 'klatab:1', replicas: 2, secret: 'generated' as const };
    const withApp = { ...lab, addons: { ...lab.addons, klatab: app } };
    // Its database is there by then, with the helper schema.
    expect(stepsOf(withApp).at(-1)?.id).toBe('klatab');
    const [deployment] = ofKind(withApp, 'Deployment');
    const { template } = deployment?.spec ?? {};
    expect(template?.metadata.labels).toMatchObject({ 'schooldb/database-client': 'true' });
    expect(template?.spec.containers[0]?.env).toContainEqual({
      name: 'SCHOOLDB_MASTER',
      value: 'wichtige-daten-3.default.svc',
    });
    expect(template?.spec.containers[0]?.env).toContainEqual({
      name: 'KLATAB_SECRET',
      valueFrom: { secretKeyRef: { name: 'wichtige-daten-3-klatab', key: 'secret' } },
    });
    const [policy] = ofKind(withApp, 'NetworkPolicy').slice(-1);
    expect(deployment?.spec.selector.matchLabels).toEqual(policy?.spec.podSelector.matchLabels);
  });

  it('are only made for Prometheus where its CRDs exist', () => {
    const conditional = stepsOf(lab).flatMap(({ manifests }) => manifests.filter((each) => each.onlyWithCrd));
    expect(conditional.map(({ object }) => object.kind)).toEqual(['PodMonitor', 'PrometheusRule']);
  });

  it('say which chart file was not given', () => {
    const charts = { source: 'directory' as const, directory: 'charts' };
    expect(() => manifestSteps({ ...lab, charts }, { helperSql: '' })).toThrow(
      'metallb-0.16.1.tgz was not given',
    );
  });
});

function addressesIn(text: string): number[] {
  const [first = '', last = first] = text.replace('/32', '').split('-');
  const range = parseRange(`${first}-${last}`);
  if (range === undefined) throw new Error(`no range: ${text}`);
  return Array.from({ length: range.last - range.first + 1 }, (_, n) => range.first + n);
}
