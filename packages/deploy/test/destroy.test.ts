/** What goes, what stays, and that neither happens by accident. */
import type { FakeKubeApi } from '@schooldb/fake-kube-api';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { ours, QUICK, secretsOf, useCluster, writesTo } from './support/use-cluster.ts';

const CLUSTER = 'wichtige-daten-3';
const YES = ['destroy', '--yes-destroy', CLUSTER];
const ALL = ['--with-volumes', '--with-secrets', '--with-backups'];

/** Names of our objects by kind; in the store, whatever anybody says. */
function left(server: FakeKubeApi): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of ours(server)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function named(server: FakeKubeApi, key: string): string[] {
  return server.api.store.list(key).map(({ metadata }) => metadata.name ?? '');
}

function typeOf(server: FakeKubeApi, apiVersion: string, kind: string) {
  const type = server.api.registry.findKind(apiVersion, kind);
  if (type === undefined) throw new Error(`no ${kind}`);
  return type;
}

async function applied() {
  const cluster = await useCluster();
  const { code, err } = await cluster.deploy(['apply', '--yes']);
  expect(code, err).toBe(EXIT.ok);
  cluster.server.requests.clear();
  return cluster;
}

describe('deploy:lab destroy', () => {
  it('takes away all but data and passwords, last things first, and finds nothing the second time', async () => {
    const { server, deploy } = await applied();
    const secrets = secretsOf(server);
    const claims = named(server, '/persistentvolumeclaims');
    const volumes = named(server, '/persistentvolumes');
    const first = await deploy(YES);
    expect(first.code, first.err).toBe(EXIT.ok);
    expect(left(server)).toEqual({ Secret: 7, PersistentVolume: 1, PersistentVolumeClaim: 1 });
    expect(secretsOf(server)).toEqual(secrets);
    expect(named(server, '/persistentvolumeclaims')).toEqual(claims);
    expect(named(server, '/persistentvolumes')).toEqual(volumes);
    // What the operator and Helm had made is gone as well.
    for (const key of [
      'apps/statefulsets',
      'apps/deployments',
      'apps/daemonsets',
      'helm.cattle.io/helmcharts',
    ])
      expect(named(server, key), key).toEqual([]);
    expect(named(server, '/services')).not.toContain(CLUSTER);
    expect(named(server, '/namespaces')).not.toContain('metallb-system');
    const order = writesTo(server)
      .filter(({ verb }) => verb === 'delete')
      .map(({ resource }) => resource);
    expect(order.indexOf('postgresqls')).toBeLessThan(order.indexOf('helmcharts'));
    expect(order.indexOf('ipaddresspools')).toBeLessThan(order.indexOf('helmcharts'));
    expect(order.indexOf('helmcharts')).toBeLessThan(order.indexOf('namespaces'));
    expect(first.out).toContain(
      `= PersistentVolumeClaim default/pgdata-${CLUSTER}-0 (the data of the database; --with-volumes deletes it for good)`,
    );

    server.requests.clear();
    const second = await deploy(YES);
    expect(second.code).toBe(EXIT.ok);
    expect(second.out).toContain('Nothing to do');
    expect(server.requests.writes()).toEqual([]);

    // The data is found again: the same passwords fit.
    const again = await deploy(['apply', '--yes']);
    expect(again.code, again.err).toBe(EXIT.ok);
    expect(secretsOf(server)).toEqual(secrets);
  });

  it('takes what is asked for by name, and no more', async () => {
    const { server, deploy } = await applied();
    expect((await deploy([...YES, '--with-secrets'])).code).toBe(EXIT.ok);
    expect(left(server)).toEqual({ Secret: 1, PersistentVolume: 1, PersistentVolumeClaim: 1 });
    expect(Object.keys(secretsOf(server))).toEqual([`${CLUSTER}-backups`]);
    expect((await deploy([...YES, '--with-backups'])).code).toBe(EXIT.ok);
    expect(left(server)).toEqual({});
    expect(named(server, '/persistentvolumeclaims')).toHaveLength(3);
    expect((await deploy([...YES, '--with-volumes'])).code).toBe(EXIT.ok);
    expect(named(server, '/persistentvolumeclaims')).toEqual([]);
    expect(named(server, '/persistentvolumes')).toEqual([]);
  });

  it('wants the name of the cluster, at the terminal or beforehand', async () => {
    const { server, deploy } = await applied();
    const blind = await deploy(['destroy']);
    expect(blind.code).toBe(EXIT.usage);
    expect(blind.err).toContain(`--yes-destroy ${CLUSTER}`);
    for (const wrong of ['', 'y', 'wichtige-daten'])
      expect((await deploy(['destroy'], { ask: async () => wrong })).code).toBe(EXIT.usage);
    const other = await deploy(['destroy', '--yes-destroy', 'wichtige-daten-4', '--lang', 'de']);
    expect(other.code).toBe(EXIT.usage);
    expect(other.err).toContain('es wurde nichts gelöscht');
    expect(server.requests.writes()).toEqual([]);
    const questions: string[] = [];
    const ask = async (question: string) => {
      questions.push(question);
      return `${CLUSTER} `;
    };
    expect((await deploy(['destroy'], { ask })).code).toBe(EXIT.ok);
    expect(questions).toEqual([`Type the name of the cluster (${CLUSTER}) to delete this: `]);
  });

  it('leaves what others have made or need, and says who', async () => {
    const { server, deploy } = await applied();
    const { api } = server;
    const byHand = { manager: 'kubectl-create' };
    const pool = { addresses: ['192.0.2.1/32'], autoAssign: false };
    api.create(
      { type: typeOf(server, 'metallb.io/v1beta1', 'IPAddressPool'), namespace: 'metallb-system', name: '' },
      { metadata: { name: 'of-the-website' }, spec: pool },
      byHand,
    );
    const storage = {
      type: typeOf(server, 'storage.k8s.io/v1', 'StorageClass'),
      namespace: '',
      name: 'local-path-retain',
    };
    api.patch(
      storage,
      'merge',
      { metadata: { labels: { 'app.kubernetes.io/part-of': 'another-lab' } } },
      byHand,
    );
    const { code, out } = await deploy([...YES, ...ALL]);
    expect(code).toBe(EXIT.ok);
    for (const line of [
      '  = HelmChart kube-system/metallb (IPAddressPool metallb-system/of-the-website needs it)',
      '  = Namespace metallb-system (HelmChart kube-system/metallb is in it)',
      '  = StorageClass local-path-retain (it bears our name, but not our labels: somebody else has made it)',
    ])
      expect(out.split('\n')).toContain(line);
    expect(left(server)).toEqual({ HelmChart: 1, Namespace: 1, StorageClass: 1 });
    expect(named(server, 'metallb.io/ipaddresspools')).toEqual(['of-the-website']);
  });

  it('says what does not go and what holds it, and goes on from there', async () => {
    const { server, deploy } = await applied();
    server.lab.stop('helm-controller');
    const impatient = { ...QUICK, waitMs: { ...QUICK.waitMs, gone: 5_000 } };
    const { code, err } = await deploy(YES, {
      pace: impatient,
    });
    expect(code).toBe(EXIT.failed);
    expect(err).toMatch(
      /Waited \d+ s for the end of HelmChart kube-system\/csi-driver-smb: .* is held by wrangler\.cattle\.io\/on-helm-chart-remove\. Does whoever/,
    );
    server.lab.start('helm-controller');
    expect((await deploy(YES)).code).toBe(EXIT.ok);
    expect(left(server)).toEqual({ Secret: 7, PersistentVolume: 1, PersistentVolumeClaim: 1 });
  });

  it('stands trouble that passes', async () => {
    const { server, deploy } = await applied();
    server.faults.add({ match: { verb: 'delete' }, effect: { kind: 'lose-answer' }, times: 2 });
    server.faults.add({ match: { verb: 'delete' }, effect: { kind: 'status', code: 503 }, times: 2 });
    const { code, err } = await deploy([...YES, ...ALL]);
    expect(code, err).toBe(EXIT.ok);
    expect(left(server)).toEqual({});
  });
});
