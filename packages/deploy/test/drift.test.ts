/** What others do to the cluster, and what plan and apply make of it. */
import { describe, expect, it } from 'vitest';
import type { FakeKubeApi } from '@schooldb/fake-kube-api';
import { EXIT } from '../src/cli/exit-codes.ts';
import { objectsOf, QUICK, secretsOf, useCluster, writesTo } from './support/use-cluster.ts';

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
    expect(refused.err).toContain(`--force 'postgresql default/${CLUSTER}'`);
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
