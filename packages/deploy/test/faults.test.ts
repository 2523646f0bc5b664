/** Trouble that passes is waited out; trouble that stays ends in one message with object, cause and remedy. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Fault, FakeKubeApi } from '@schooldb/fake-kube-api';
import { EXIT } from '../src/cli/exit-codes.ts';
import type { Pace } from '../src/kube/pace.ts';
import { deploy as deployTo, objectsOf, QUICK, useCluster } from './support/use-cluster.ts';

const CLUSTER = 'wichtige-daten-3';
/** Under load an answer may take a while, too: then it is asked for again. */
const SOON_TIRED: Pace = { ...QUICK, requestTimeoutMs: 3_000 };

describe('trouble that passes', () => {
  it.each<[string, Fault]>([
    ['429', { match: { verb: 'apply' }, effect: { kind: 'status', code: 429 }, times: 4 }],
    ['429 on reads', { match: { verb: 'get' }, effect: { kind: 'status', code: 429 }, times: 4 }],
    ['500', { match: { resource: 'secrets' }, effect: { kind: 'status', code: 500 }, times: 4 }],
    ['503', { match: {}, effect: { kind: 'status', code: 503 }, times: 4 }],
    [
      '409 of a write in between',
      { match: { verb: 'apply' }, effect: { kind: 'status', code: 409 }, times: 3 },
    ],
    ['no answer', { match: { resource: 'postgresqls', verb: 'apply' }, effect: { kind: 'hang' }, times: 2 }],
    ['a cut connection', { match: { resource: 'helmcharts' }, effect: { kind: 'cut' }, times: 3 }],
    [
      'a lost answer',
      { match: { resource: 'secrets', verb: 'apply' }, effect: { kind: 'lose-answer' }, times: 3 },
    ],
  ])('%s changes nothing about the end', async (_, fault) => {
    const { server, deploy } = await useCluster();
    const handle = server.faults.add(fault);
    const { code, err } = await deploy(['apply', '--yes'], { pace: SOON_TIRED });
    expect(code, err).toBe(EXIT.ok);
    expect(handle.met).toBe(fault.times);
    expect(objectsOf(server)).toHaveLength(30);
    server.requests.clear();
    expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
    expect(server.requests.writes()).toEqual([]);
  });

  it('waits as long as the server asks for', async () => {
    const { server, deploy } = await useCluster();
    const effect = { kind: 'status', code: 429, retryAfterSeconds: 1 } as const;
    server.faults.add({ match: { verb: 'get' }, effect, times: 1 });
    const startedAt = performance.now();
    await deploy(['plan']);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });

  it('is named where somebody waits for longer than a second', async () => {
    const { server, deploy } = await useCluster();
    const match = { resource: 'storageclasses' };
    server.faults.add({ match, effect: { kind: 'hang' }, times: 1 });
    const hung = await deploy(['plan', '--lang', 'en'], { pace: SOON_TIRED });
    expect(hung.code).toBe(EXIT.changes);
    expect(hung.err).toContain(
      `  waiting for the Kubernetes API at ${server.url}: no answer yet (attempt 1 of 6)`,
    );
    const effect = { kind: 'status', code: 429, retryAfterSeconds: 2 } as const;
    server.faults.add({ match, effect, times: 1 });
    const throttled = await deploy(['plan', '--json', '--lang', 'de']);
    expect(throttled.err).toContain(
      `  wartet auf die Kubernetes-API auf ${server.url}: 429: Too many requests, please try again later. (Versuch 2 von 6)`,
    );
    expect(JSON.parse(throttled.out)).toMatchObject({ version: 1 });
  });

  it('waits for the webhook of a chart that was just installed', async () => {
    const { server, deploy } = await useCluster();
    server.lab.faults.webhookRefusals = 8;
    const { code, out, err } = await deploy(['apply', '--yes']);
    expect(code, err).toBe(EXIT.ok);
    expect(server.lab.faults.webhookRefusals).toBe(0);
    expect(out).toContain(
      `waiting: the webhook that checks IPAddressPool metallb-system/${CLUSTER}-master does not answer yet`,
    );
  });
});

describe('trouble that stays', () => {
  it.each<[string, (server: FakeKubeApi) => void, Partial<Pace> | Partial<Pace['waitMs']>, RegExp]>([
    [
      'a webhook that nobody answers for',
      ({ lab }) => void (lab.faults.webhookRefusals = Infinity),
      { webhookMs: 200 },
      /IPAddressPool metallb-system\/\S+ could not be applied .* does not answer \(.*failed calling webhook.*kubectl -n metallb-system get pods/,
    ],
    [
      'a chart that fails',
      ({ lab }) => void lab.faults.failingCharts.add('postgres-operator'),
      {},
      /the chart postgres-operator: HelmChart kube-system\/postgres-operator has failed \(.*INSTALLATION FAILED.*kubectl -n kube-system logs job\/helm-install-postgres-operator/,
    ],
    [
      'definitions that do not come',
      ({ lab }) => void lab.faults.chartsWithoutDefinitions.add('postgres-operator'),
      { definition: 4_000 },
      /CustomResourceDefinition postgresqls\.acid\.zalan\.do is not there\. Its chart brings it/,
    ],
    [
      'pods that do not start',
      ({ lab }) =>
        void (lab.faults.stuckPods = ({ metadata }) =>
          metadata.name?.startsWith('metallb-controller') === true),
      { chart: 8_000 },
      /the chart metallb: Deployment metallb-system\/metallb-controller has 0 of 1 pods ready/,
    ],
    [
      'a speaker that does not start on a node',
      ({ lab }) =>
        void (lab.faults.stuckPods = ({ metadata }) => metadata.name?.startsWith('metallb-speaker') === true),
      { chart: 8_000 },
      /the chart metallb: DaemonSet metallb-system\/metallb-speaker has 0 of 3 pods ready/,
    ],
    [
      'a database that does not get on',
      ({ lab }) => void lab.faults.stuckStatus.set(CLUSTER, 'CreateFailed'),
      { database: 500 },
      /postgresql default\/wichtige-daten-3 has the status CreateFailed\. See 'kubectl get pods -l cluster-name=wichtige-daten-3'/,
    ],
    [
      'another address than the pinned one',
      ({ lab }) => void lab.faults.wrongIps.set(`${CLUSTER}-repl`, '10.0.145.149'),
      { address: 4_000 },
      /the address 10\.0\.145\.136 of Service wichtige-daten-3-repl: Service default\/wichtige-daten-3-repl has 10\.0\.145\.149 instead/,
    ],
    [
      'a server that only says 500',
      ({ faults }) =>
        void faults.add({ match: { resource: 'storageclasses' }, effect: { kind: 'status', code: 500 } }),
      {},
      /refuses StorageClass local-path-retain \(500\): .*etcdserver: request timed out\. .*kubectl get --raw \/readyz/,
    ],
    [
      'a server that says it in many lines',
      ({ faults }) =>
        void faults.add({
          match: { resource: 'storageclasses' },
          effect: {
            kind: 'status',
            code: 503,
            message: `<html>\r\n  <h1>503</h1>\n    at nginx${'!'.repeat(2_000)}`,
          },
        }),
      {},
      /refuses StorageClass local-path-retain \(503\): <html> <h1>503<\/h1> at nginx!{900,1000}… It was tried several times/,
    ],
    [
      'a server that does not answer',
      ({ faults }) => void faults.add({ match: { resource: 'storageclasses' }, effect: { kind: 'hang' } }),
      { requestTimeoutMs: 200, attempts: 3 },
      /cannot be reached \(no answer within 200 ms, 3 attempts\)/,
    ],
  ])('%s is named', async (_, spoil, pace, message) => {
    const { server, deploy } = await useCluster();
    spoil(server);
    const { code, err } = await deploy(['apply', '--yes'], {
      pace: { ...QUICK, ...pace, waitMs: { ...QUICK.waitMs, ...pace } },
    });
    expect(code).toBe(EXIT.failed);
    const lines = err.split('\n').filter((line) => line.startsWith('deploy:lab:'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(message);
  });
});

it.each<[string, Fault['effect'], RegExp]>([
  [
    'a webhook',
    { kind: 'webhook-refused', webhook: 'a.b', url: 'https://a.b/' },
    /Do the pods run that are to answer/,
  ],
  ['another writer', { kind: 'status', code: 409 }, /Something else writes it at the same time/],
  [
    'what will not change',
    { kind: 'status', code: 410, message: 'gone for good' },
    /\(410\): gone for good\. What was applied stays/,
  ],
  [
    'a field that the definition does not know, which is tried once',
    {
      kind: 'status',
      code: 500,
      message: 'failed to create typed patch object (x): .spec.new: field not declared in schema',
    },
    /not declared in schema\. What was applied stays\. Mend that/,
  ],
])('a plan that meets %s says what to do about it', async (_, effect, message) => {
  const { server, deploy } = await useCluster();
  expect((await deploy(['apply', '--yes', '--only', 'storage'])).code).toBe(EXIT.ok);
  server.faults.add({ match: { resource: 'storageclasses', verb: 'apply' }, effect });
  const { code, err, out } = await deploy(['apply', '--yes', '--only', 'storage', '--lang', 'en']);
  expect(code, out).toBe(EXIT.failed);
  expect(err).toMatch(message);
  const german = await deploy(['apply', '--yes', '--only', 'storage', '--lang', 'de']);
  expect(german.err).not.toMatch(message);
});

describe('the kubeconfig', () => {
  it('is looked for where kubectl looks for it', async () => {
    const { server, directory } = await useCluster();
    const file = join(directory, 'kubeconfig');
    const missing = join(directory, 'missing');
    for (const environment of [{ KUBECONFIG: file }, { KUBECONFIG: `${missing}:${file}` }]) {
      const { code, out } = await deployTo(['plan'], { environment });
      expect(code).toBe(EXIT.changes);
      expect(out).toContain(`Cluster: fake at ${server.url}`);
    }
    const nowhere = await deployTo(['plan'], { environment: { HOME: directory } });
    expect(nowhere.code).toBe(EXIT.failed);
    expect(nowhere.err).toContain(`looked at ${join(directory, '.kube', 'config')}`);
  });

  it.each<[string, (text: string) => string, string]>([
    ['is not one', () => 'certificate-authority-data: [', 'is no YAML of that kind'],
    ['has no context', (text) => text.replace('current-context: fake', ''), 'it has no current context'],
    [
      'has no cluster',
      (text) => text.replace('cluster: fake', 'cluster: other'),
      'the cluster of its context',
    ],
    ['has no user', (text) => text.replace('user: admin', 'user: other'), 'the user of its context'],
    ['is not encrypted', (text) => text.replace('https://', 'http://'), 'is not https://'],
    [
      'has a token that is over',
      (text) => text.replace(/token: .*/, 'token: over'),
      'belong to an administrator',
    ],
    [
      'has another authority',
      (text) => text.replace(/certificate-authority-data: .*/, ''),
      'cannot be reached (',
    ],
  ])('that %s is refused with a reason', async (_, spoil, message) => {
    const { server, directory } = await useCluster();
    const file = join(directory, 'kubeconfig');
    const text = await readFile(file, 'utf8');
    await writeFile(file, spoil(text));
    const { code, err } = await deployTo(['plan', '--kubeconfig', file]);
    expect(code, err).toBe(EXIT.failed);
    expect(err).toContain(message);
    expect(err).not.toContain(server.token);
    const german = await deployTo(['plan', '--kubeconfig', file, '--lang', 'de']);
    expect(german.err).not.toContain(message);
  });
});
