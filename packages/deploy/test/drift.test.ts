/** What others do to the cluster, and what plan and apply make of it. */
import { describe, expect, it } from 'vitest';
import type { FakeKubeApi } from '@schooldb/fake-kube-api';
import { EXIT } from '../src/cli/exit-codes.ts';
import { resourceText } from '../src/kube/resource.ts';
import { KIND_SCHEMAS } from '../src/manifests/schema/kinds.ts';
import type { KubeKind } from '../src/manifests/schema/kinds.ts';
import {
  addMonitoring,
  objectsOf,
  ours,
  QUICK,
  secretsOf,
  useCluster,
  withKlatab,
  writesTo,
} from './support/use-cluster.ts';

const CLUSTER = 'wichtige-daten-3';

function target(server: FakeKubeApi, apiVersion: string, kind: string, name: string, namespace = '') {
  const type = server.api.registry.findKind(apiVersion, kind);
  if (type === undefined) throw new Error(`no kind ${kind}`);
  return { type, namespace, name };
}

describe('drift', () => {
  it('is named object by object, and mended', async () => {
    const { server, deploy } = await useCluster();
    expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
    const before = { objects: objectsOf(server), secrets: secretsOf(server) };

    const { api } = server;
    const byHand = { manager: 'kubectl-edit' };
    // Fields that are gone belong to nobody: they come back without a question.
    api.patch(
      target(server, 'v1', 'Namespace', 'metallb-system'),
      'merge',
      { metadata: { labels: { 'pod-security.kubernetes.io/enforce': null } } },
      byHand,
    );
    api.patch(
      target(server, 'acid.zalan.do/v1', 'postgresql', CLUSTER, 'default'),
      'merge',
      { spec: { patroni: { synchronous_mode: null } } },
      byHand,
    );
    api.patch(
      target(server, 'v1', 'Secret', `${CLUSTER}-tls`, 'default'),
      'merge',
      { data: { 'ca.crt': null } },
      byHand,
    );
    // So do whole objects.
    const policies = api.store.list('networking.k8s.io/networkpolicies');
    const policy = policies[0]?.metadata.name ?? '';
    api.delete(target(server, 'networking.k8s.io/v1', 'NetworkPolicy', policy, 'default'));
    const general = `${CLUSTER}-general`;
    api.delete(target(server, 'metallb.io/v1beta1', 'IPAddressPool', general, 'metallb-system'));

    const { code, out } = await deploy(['plan']);
    expect(code).toBe(EXIT.changes);
    for (const line of [
      '  ~ Namespace metallb-system',
      '      metadata.labels["pod-security.kubernetes.io/enforce"]: - → "privileged"',
      `  ~ postgresql default/${CLUSTER}`,
      '      spec.patroni.synchronous_mode: - → true',
      `  ~ Secret default/${CLUSTER}-tls`,
      '      data["ca.crt"]: - → "(hidden)"',
      `  + NetworkPolicy default/${policy}`,
      `  + IPAddressPool metallb-system/${general}`,
      '2 to create, 3 to change, 0 in conflict, 0 refused, 25 unchanged.',
    ])
      expect(out.split('\n')).toContain(line);

    server.requests.clear();
    expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
    expect(writesTo(server)).toHaveLength(5);
    expect({ objects: objectsOf(server), secrets: secretsOf(server) }).toEqual(before);
    expect((await deploy(['plan'])).code).toBe(EXIT.ok);
  });

  it('that somebody else has made is a conflict with an owner, and only overruled where that is asked for', async () => {
    const { server, deploy } = await useCluster();
    expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
    const database = target(server, 'acid.zalan.do/v1', 'postgresql', CLUSTER, 'default');
    server.api.patch(database, 'merge', { spec: { numberOfInstances: 4 } }, { manager: 'kubectl-edit' });

    const planned = await deploy(['plan']);
    expect(planned.code).toBe(EXIT.changes);
    expect(planned.out).toContain(`  ! postgresql default/${CLUSTER}`);
    expect(planned.out).toContain('      spec.numberOfInstances: 4 → 3');
    expect(planned.out).toContain('      belongs to kubectl-edit: .spec.numberOfInstances');

    server.requests.clear();
    const refused = await deploy(['apply', '--yes']);
    expect(refused.code).toBe(EXIT.failed);
    expect(refused.err).toContain(`deploy:lab apply --force 'postgresql default/${CLUSTER}'`);
    expect(server.requests.writes()).toEqual([]);

    const typo = await deploy(['apply', '--yes', '--force', `postgres default/${CLUSTER}`]);
    expect(typo.code).toBe(EXIT.usage);
    const forced = await deploy(['apply', '--yes', '--force', `postgresql default/${CLUSTER}`]);
    expect(forced.code, forced.err).toBe(EXIT.ok);
    expect(server.api.get(database)['spec']).toMatchObject({ numberOfInstances: 3 });
    expect((await deploy(['plan'])).code).toBe(EXIT.ok);
  });

  it('of what was there before us is taken over where the values are right, and never a password', async () => {
    const { server, deploy } = await useCluster();
    const name = `bauer.${CLUSTER}.credentials.postgresql.acid.zalan.do`;
    const password = 'what-the-school-has-used-for-years';
    server.api.create(
      { ...target(server, 'v1', 'Secret', '', 'default') },
      { metadata: { name, namespace: 'default' }, stringData: { username: 'bauer', password } },
      { manager: 'kubectl-create' },
    );
    expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
    expect(secretsOf(server)[name]).toEqual({ password });
  });
});

const PART_OF = 'app.kubernetes.io/part-of';

/** Of each kind, a change that takes something of ours away, and how the plan names that. */
const TAKEN: Record<KubeKind, { readonly patch: object; readonly path: string }> = {
  Namespace: {
    patch: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': null } } },
    path: 'metadata.labels["pod-security.kubernetes.io/enforce"]: - → "privileged"',
  },
  Secret: { patch: { data: { password: null } }, path: 'data.password: - → "(hidden)"' },
  // It is immutable.
  ConfigMap: labelTaken(),
  PersistentVolume: { patch: { spec: { mountOptions: null } }, path: 'spec.mountOptions: - → [' },
  PersistentVolumeClaim: labelTaken(),
  StorageClass: labelTaken(),
  Deployment: labelTaken(),
  Service: labelTaken(),
  NetworkPolicy: { patch: { spec: { ingress: null } }, path: 'spec.ingress: - → [' },
  // What a Job runs cannot be changed.
  Job: labelTaken(),
  HelmChart: { patch: { spec: { timeout: null } }, path: 'spec.timeout: - → "10m"' },
  IPAddressPool: {
    patch: { spec: { serviceAllocation: null } },
    path: 'spec.serviceAllocation: - → {',
  },
  L2Advertisement: { patch: { spec: { ipAddressPools: null } }, path: 'spec.ipAddressPools: - → [' },
  postgresql: {
    patch: { spec: { patroni: { synchronous_mode: null } } },
    path: 'spec.patroni.synchronous_mode: - → true',
  },
  PodMonitor: { patch: { spec: { selector: null } }, path: 'spec.selector: - → {' },
  PrometheusRule: { patch: { spec: { groups: null } }, path: 'spec.groups: - → [' },
};

function labelTaken() {
  return {
    patch: { metadata: { labels: { [PART_OF]: null } } },
    path: `metadata.labels["${PART_OF}"]: - → "${CLUSTER}"`,
  };
}

describe('drift in any kind of object', () => {
  /** One object of each kind, with the fields that the table above speaks of. */
  function oneOfEach(server: FakeKubeApi) {
    return (Object.keys(TAKEN) as KubeKind[]).map((kind) => {
      const { patch, path } = TAKEN[kind];
      const [field, inner] = Object.entries(patch)[0] as [string, Record<string, unknown>];
      const found = ours(server).find((each) => each.kind === kind && isIn(each[field], inner));
      if (found === undefined) throw new Error(`no ${kind} with ${path}`);
      const { name = '', namespace } = found.metadata;
      return {
        kind,
        patch,
        path,
        text: resourceText({ kind, namespace, name }),
        target: target(server, found.apiVersion, kind, name, namespace),
      };
    });
  }

  it(
    'is named and mended: what was taken away, what others wrote, and what is gone',
    { timeout: 600_000 },
    async () => {
      const { server, labFile, deploy: run } = await useCluster();
      await addMonitoring(server);
      const lab = await labFile(withKlatab);
      const deploy = (args: readonly string[]) => run([...args, '--lab', lab]);
      expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
      const before = { objects: objectsOf(server), secrets: secretsOf(server) };
      const objects = oneOfEach(server);
      expect(objects.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(KIND_SCHEMAS).toSorted());
      const byHand = { manager: 'kubectl-edit' };
      const isWhole = async () => {
        expect({ objects: objectsOf(server), secrets: secretsOf(server) }).toEqual(before);
        expect((await deploy(['plan'])).code).toBe(EXIT.ok);
      };

      // A password that is gone is not what it was: it is made anew.
      const kept = objects.filter(({ kind }) => kind !== 'Secret');
      for (const { patch, target: of } of kept) server.api.patch(of, 'merge', patch, byHand);
      const taken = (await deploy(['plan'])).out.split('\n');
      for (const { text, path } of kept) {
        const at = taken.indexOf(`  ~ ${text}`);
        expect(at, text).toBeGreaterThan(-1);
        expect(taken[at + 1]?.trim().startsWith(path), `${text}: ${taken[at + 1] ?? ''}`).toBe(true);
      }
      expect(taken.at(-1)).toContain(`0 to create, ${kept.length} to change`);
      expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
      await isWhole();

      const foreign = { metadata: { labels: { [PART_OF]: 'somebody-else' } } };
      for (const { target: of } of objects) server.api.patch(of, 'merge', foreign, byHand);
      const conflicts = (await deploy(['plan'])).out.split('\n');
      for (const { text } of objects) {
        const at = conflicts.indexOf(`  ! ${text}`);
        expect(
          conflicts.slice(at + 1, at + 3).map((line) => line.trim()),
          text,
        ).toEqual([
          `metadata.labels["${PART_OF}"]: "somebody-else" → "${CLUSTER}"`,
          `belongs to kubectl-edit: .metadata.labels.${PART_OF}`,
        ]);
      }
      server.requests.clear();
      expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.failed);
      expect(server.requests.writes()).toEqual([]);
      const force = objects.flatMap(({ text }) => ['--force', text]);
      const forced = await deploy(['apply', '--yes', ...force]);
      expect(forced.code, forced.err).toBe(EXIT.ok);
      await isWhole();

      // With the namespace all that is in it would go, and so would what a chart has installed.
      const mortal = objects.filter(
        ({ kind }) => !['Namespace', 'HelmChart', 'Secret', 'postgresql'].includes(kind),
      );
      for (const { target: of } of mortal) server.api.delete(of);
      const gone = (await deploy(['plan'])).out.split('\n');
      for (const { text } of mortal) expect(gone).toContain(`  + ${text}`);
      const recreated = await deploy(['apply', '--yes']);
      expect(recreated.code, recreated.err).toBe(EXIT.ok);
      await isWhole();
    },
  );
});

function isIn(value: unknown, inner: Record<string, unknown>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(inner).every(([key, of]) => {
    const found = (value as Record<string, unknown>)[key];
    return of === null ? found !== undefined : isIn(found, of as Record<string, unknown>);
  });
}

describe('a changed lab', () => {
  it('is shown as old and new, and what the server will not take in its own words', async () => {
    const { server, deploy, labFile } = await useCluster();
    expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
    const lab = await labFile((text) =>
      text
        .replace('max_connections: 200', 'max_connections: 220')
        .replace('master: 10.0.145.135', 'master: 10.0.145.134'),
    );
    const { out } = await deploy(['plan', '--lab', lab]);
    expect(out).toContain('      spec.postgresql.parameters.max_connections: "200" → "220"');
    // The certificate holds the addresses; its authority, which all clients trust, stays.
    expect(out).toContain(
      `  ~ Secret default/${CLUSTER}-tls\n      data["tls.crt"]: "(hidden)" → "(hidden)"`,
    );
    expect(out).not.toContain(`Secret default/${CLUSTER}-ca`);
    // The pools would overlap until both are changed.
    expect(out).toMatch(/! IPAddressPool \S+-master\n +403: .*overlaps with already defined CIDR/);
    // As the README says.
    for (const pool of ['general', 'master'])
      server.api.delete(
        target(server, 'metallb.io/v1beta1', 'IPAddressPool', `${CLUSTER}-${pool}`, 'metallb-system'),
      );
    const applied = await deploy(['apply', '--yes', '--lab', lab]);
    expect(applied.code, applied.err).toBe(EXIT.ok);
    expect((await deploy(['plan', '--lab', lab])).code).toBe(EXIT.ok);
  });

  it('waits for a changed chart to be installed anew, not for the Job that installed it before', async () => {
    const { server, deploy, labFile } = await useCluster();
    const args = ['apply', '--yes', '--only'];
    expect((await deploy([...args, 'namespaces'])).code).toBe(EXIT.ok);
    expect((await deploy([...args, 'charts'])).code).toBe(EXIT.ok);
    const lab = await labFile((text) => text.replace('team: acid', 'team: schule'));
    server.lab.stop('helm-controller');
    const impatient = { ...QUICK, waitMs: { ...QUICK.waitMs, chart: 4_000 } };
    const waiting = await deploy([...args, 'charts', '--lab', lab], { pace: impatient });
    expect(waiting.code).toBe(EXIT.failed);
    expect(waiting.err).toContain(
      'Job kube-system/helm-install-postgres-operator-ui is still the one from before the change',
    );
    server.lab.start('helm-controller');
    const applied = await deploy([...args, 'charts', '--lab', lab]);
    expect(applied.code, applied.err).toBe(EXIT.ok);
  });

  it('takes passwords from files and variables, and says which of them is missing', async () => {
    const { server, deploy, labFile } = await useCluster();
    const lab = await labFile((text) => text.replace('  user: generated', '  user: { environment: BAUER }'));
    const without = await deploy(['plan', '--lab', lab]);
    expect(without.code).toBe(EXIT.failed);
    expect(without.err).toMatch(/Secret bauer\.\S+ gets no password: BAUER is missing or empty/);
    const environment = { BAUER: 'from-the-environment' };
    expect((await deploy(['apply', '--yes', '--lab', lab], { environment })).code).toBe(EXIT.ok);
    expect(Object.values(secretsOf(server))).toContainEqual({ password: 'from-the-environment' });
    // It is in the cluster now.
    expect((await deploy(['plan', '--lab', lab])).code).toBe(EXIT.ok);
    const other = await deploy(['plan', '--lab', lab], { environment: { BAUER: 'another' } });
    expect(other.out).toContain('      data.password: "(hidden)" → "(hidden)"');
    expect(other.out).not.toContain('another');
  });
});
