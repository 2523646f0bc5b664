import type { FakeKubeApi } from '@schooldb/fake-kube-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { hiding } from '../src/operations/logs/hide-secrets.ts';
import { secretsOf, useCluster } from './support/use-cluster.ts';
import type { UsedCluster } from './support/use-cluster.ts';

const NAME = 'wichtige-daten-3';
const [FIRST, SECOND, THIRD] = [`${NAME}-0`, `${NAME}-1`, `${NAME}-2`];
const WAIT = { timeout: 60_000 };

async function useAppliedLab(): Promise<UsedCluster> {
  const cluster = await useCluster();
  expect((await cluster.deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
  return cluster;
}

function deletePod({ api }: FakeKubeApi, name: string): void {
  const type = api.registry.findKind('v1', 'Pod');
  if (type === undefined) throw new Error('the kind Pod is missing');
  api.delete({ type, namespace: 'default', name }, { gracePeriodSeconds: 0 });
}

function podNames({ api }: FakeKubeApi, namespace: string): string[] {
  const pods = api.store.list('/pods').filter(({ metadata }) => metadata.namespace === namespace);
  return pods.map(({ metadata }) => metadata.name ?? '');
}

function passwordOf(server: FakeKubeApi): string {
  return secretsOf(server)[`bauer.${NAME}.credentials.postgresql.acid.zalan.do`]?.['password'] ?? '';
}

describe('deploy:lab logs', () => {
  it('shows the last lines of all pods by their time, with the pod in front', async () => {
    const { deploy, server } = await useAppliedLab();
    const { logs } = server.pods;
    const now = Date.now();
    logs.append(`default/${FIRST}`, 'long ago\n', now - 3_600_000);
    logs.append(`default/${FIRST}`, 'one\n', now - 3_000);
    logs.append(`default/${SECOND}`, 'two  äöü\n', now - 2_000);
    logs.append(`default/${FIRST}`, 'three\n\n', now - 1_000);
    server.requests.clear();
    const last = await deploy(['logs', '--tail', '2']);
    expect(last.code).toBe(EXIT.ok);
    expect(last.out.split('\n')).toEqual([`${SECOND}: two  äöü`, `${FIRST}: three`, `${FIRST}: `]);
    expect(server.requests.writes()).toEqual([]);
    const recent = await deploy(['logs', 'database', '--since', '10m', '--lang', 'de']);
    expect(recent.out.split('\n')).toEqual([
      `${FIRST}: one`,
      `${SECOND}: two  äöü`,
      `${FIRST}: three`,
      `${FIRST}: `,
    ]);
    expect((await deploy(['logs'])).out).toContain(`${FIRST}: long ago`);
  });

  it('shows those of the operator, MetalLB, the poolers and the UI, each by itself', async () => {
    const { deploy, server } = await useAppliedLab();
    for (const namespace of ['postgres-operator', 'metallb-system', 'default'])
      for (const pod of podNames(server, namespace))
        server.pods.logs.set(`${namespace}/${pod}`, `${pod} speaks\n`);
    const speakers = async (source: string): Promise<string[]> => {
      const { code, out, err } = await deploy(['logs', source]);
      expect(code, err).toBe(EXIT.ok);
      return out.split('\n').map((line) => / ?(\S+) speaks$/.exec(line)?.[1] ?? line);
    };
    const [ofOperator] = await speakers('operator');
    expect(ofOperator).toMatch(/^postgres-operator-(?!ui)/);
    // One pod needs no name in front.
    expect((await deploy(['logs', 'ui'])).out).toMatch(/^postgres-operator-ui-\S+ speaks$/);
    const ofMetallb = await speakers('metallb');
    // A controller, and a speaker on each node.
    const programs = ofMetallb.map((pod) => pod.split('-')[1] ?? '').toSorted();
    expect(programs).toEqual(['controller', 'speaker', 'speaker', 'speaker']);
    const ofPoolers = await speakers('pooler');
    expect(ofPoolers.length).toBeGreaterThan(1);
    for (const pod of ofPoolers) expect(pod).toContain('-pooler');
  });

  it('of the UI are refused where the lab has none, and named where it does not run', async () => {
    const { deploy, labFile } = await useCluster();
    const none = await deploy(['logs', 'ui', '--lang', 'en']);
    expect(none.code).toBe(EXIT.failed);
    expect(none.err).toContain("no pod for 'ui' in the namespace postgres-operator");
    const path = await labFile((text) => text.replace('operatorUi: true', 'operatorUi: false'));
    const off = await deploy(['logs', 'ui', '--lab', path, '--lang', 'en']);
    expect(off.code).toBe(EXIT.failed);
    expect(off.err).toContain('This lab has no ui: addons.operatorUi is false.');
  });

  it('hides the values of the Secrets, however they are written', async () => {
    const { deploy, server } = await useAppliedLab();
    const password = passwordOf(server);
    expect(password.length).toBeGreaterThan(10);
    const key = secretsOf(server)[`${NAME}-tls`]?.['tls.key']?.split('\n')[1] ?? '';
    expect(key.length).toBeGreaterThan(20);
    server.pods.logs.set(
      `default/${FIRST}`,
      `ALTER ROLE bauer PASSWORD '${password}'\n${key}\nbauer connects\n${Buffer.from(password).toString('base64')}\n`,
    );
    const { out } = await deploy(['logs']);
    expect(out.split('\n')).toEqual([
      `${FIRST}: ALTER ROLE bauer PASSWORD '(hidden)'`,
      `${FIRST}: (hidden)`,
      `${FIRST}: bauer connects`,
      `${FIRST}: (hidden)`,
    ]);
  });

  it('says what is missing and what to do', async () => {
    const { deploy, server } = await useCluster();
    const nobody = await deploy(['logs']);
    expect(nobody.code).toBe(EXIT.failed);
    expect(nobody.err).toContain(`no pod for 'database' in the namespace default`);
    expect((await deploy(['logs', 'operator', '--follow'])).err).toContain('no pod for');
    expect((await deploy(['logs', 'nobody'])).err).toContain('operator, metallb, database, pooler, ui');
    for (const wrong of [
      ['--tail', '-1'],
      ['--tail', 'all'],
      ['--since', '10'],
      ['--since', '0m'],
    ])
      expect((await deploy(['logs', ...wrong])).code).toBe(EXIT.usage);

    expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
    server.pods.forbidden.add('log');
    for (const more of [[], ['--follow']]) {
      const refused = await deploy(['logs', ...more]);
      expect(refused.code).toBe(EXIT.failed);
      expect(refused.err).toContain(`The log of Pod default/${FIRST} is not to be had (403`);
      expect(refused.err).toContain('kubectl auth can-i get pods/log');
    }
  });

  it('shows what there is where a container is still being created', async () => {
    const { deploy, server } = await useAppliedLab();
    server.pods.logs.set(`default/${FIRST}`, 'here\n');
    server.lab.stop('kubelet');
    const type = server.api.registry.findKind('v1', 'Pod');
    if (type === undefined) throw new Error('the kind Pod is missing');
    server.api.patch(
      { type, namespace: 'default', name: SECOND, subresource: 'status' },
      'merge',
      { status: { phase: 'Pending' } },
      { manager: 'a test' },
    );
    const { code, out, err } = await deploy(['logs']);
    expect(code).toBe(EXIT.failed);
    expect(out).toBe(`${FIRST}: here`);
    expect(err).toContain(`Pod default/${SECOND} has written nothing yet`);
    expect(err).toContain('ContainerCreating');
  });
});

describe('deploy:lab logs --follow', () => {
  it('goes on where a pod is replaced and where the API was away, without a line twice', async () => {
    const { deploy, server } = await useAppliedLab();
    const { logs } = server.pods;
    logs.set(`default/${FIRST}`, 'before\n');
    const stopping = new AbortController();
    onTestFinished(() => stopping.abort());
    const shown: string[] = [];
    const ran = deploy(['logs', '--follow'], {
      session: { signal: stopping.signal },
      onLine: (line) => shown.push(line),
    });
    await expect.poll(() => shown, WAIT).toEqual([`${FIRST}: before`]);
    logs.append(`default/${FIRST}`, 'after\n');
    await expect.poll(() => shown.length, WAIT).toBe(2);
    logs.append(`default/${THIRD}`, 'third\n');
    await expect.poll(() => shown.length, WAIT).toBe(3);
    expect(shown).toEqual([`${FIRST}: before`, `${FIRST}: after`, `${THIRD}: third`]);

    const uidOf = (name: string) =>
      server.api.store.list('/pods').find(({ metadata }) => metadata.name === name)?.metadata.uid;
    const uid = uidOf(FIRST);
    deletePod(server, FIRST);
    await expect.poll(() => uidOf(FIRST) ?? uid, WAIT).not.toBe(uid);
    logs.append(`default/${FIRST}`, 'reborn\n');
    await expect.poll(() => shown.at(-1), WAIT).toBe(`${FIRST}: reborn`);

    const fault = server.faults.add({ match: { resource: 'pods' }, effect: { kind: 'cut' } });
    server.pods.logs.cut();
    await expect.poll(() => fault.met, WAIT).toBeGreaterThan(6);
    logs.append(`default/${THIRD}`, `${passwordOf(server)} in the gap\n`);
    fault.remove();
    await expect.poll(() => shown.at(-1), WAIT).toBe(`${THIRD}: (hidden) in the gap`);
    expect(shown).toHaveLength(5);

    stopping.abort();
    const { code, err } = await ran;
    expect(code).toBe(EXIT.interrupted);
    expect(err).toContain(`Pod ${FIRST} is new.`);
    expect(err).toMatch(/Stopped\.$/);
    expect(err).not.toMatch(/\n +at /);
  });
});

describe('hiding()', () => {
  it('hides the longest first, and quoted as SQL, JSON and addresses do', () => {
    const hide = hiding(['secret', 'secret-and-more', `o'"/`]);
    expect(hide('secret-and-more secret')).toBe('(hidden) (hidden)');
    expect(hide(`'o''"/' "o'\\"/" o'%22%2F`)).toBe(`'(hidden)' "(hidden)" (hidden)`);
    expect(hiding(['', ' '])('as it is')).toBe('as it is');
  });
});
