/** `deploy:lab upgrade`: charts go forward one after the other, and nothing ever goes back. */
import type { FakeKubeApi, KubeObject } from '@schooldb/fake-kube-api';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { FIELD_MANAGER } from '../src/kube/kube-api.ts';
import { CHARTS } from '../src/manifests/pins.ts';
import type { ChartName } from '../src/manifests/pins.ts';
import { QUICK, useCluster, writesTo } from './support/use-cluster.ts';
import type { UsedCluster } from './support/use-cluster.ts';

const CLUSTER = 'wichtige-daten-3';

async function useAppliedLab(): Promise<UsedCluster> {
  const cluster = await useCluster();
  const { code, out, err } = await cluster.deploy(['apply', '--yes']);
  expect(code, out + err).toBe(EXIT.ok);
  return cluster;
}

function targetOf(server: FakeKubeApi, apiVersion: string, kind: string, name: string, namespace: string) {
  const type = server.api.registry.findKind(apiVersion, kind);
  if (type === undefined) throw new Error(`no kind ${kind}`);
  return { type, namespace, name };
}

/** As a deploy:lab with other pins would have applied it, and awaited. */
async function setVersion(server: FakeKubeApi, name: ChartName, version: string): Promise<void> {
  const job = jobOf(server, name);
  writeVersion(server, name, version);
  await expect.poll(() => jobOf(server, name), { timeout: 60_000 }).not.toBe(job);
  await expect.poll(() => isInstalled(server, name), { timeout: 60_000 }).toBe(true);
}

function writeVersion(server: FakeKubeApi, name: ChartName, version: string): void {
  const target = targetOf(server, 'helm.cattle.io/v1', 'HelmChart', name, 'kube-system');
  const { apiVersion, kind, metadata, spec } = chartOf(server, name) as KubeObject & { spec: object };
  const { labels = {} } = metadata;
  const object = {
    apiVersion,
    kind,
    metadata: { name, namespace: 'kube-system', labels },
    spec: { ...spec, version },
  };
  server.api.apply(target, object, { manager: FIELD_MANAGER });
}

function chartOf({ api }: FakeKubeApi, name: string): KubeObject {
  const found = api.store.get('helm.cattle.io/helmcharts', 'kube-system', name);
  if (found === undefined) throw new Error(`no chart ${name}`);
  return found;
}

function versionOf(server: FakeKubeApi, name: ChartName): string {
  return (chartOf(server, name)['spec'] as { version: string }).version;
}

function jobOf({ api }: FakeKubeApi, name: ChartName): string | undefined {
  return api.store.get('batch/jobs', 'kube-system', `helm-install-${name}`)?.metadata.uid;
}

function isInstalled({ api }: FakeKubeApi, name: ChartName): boolean {
  const job = api.store.get('batch/jobs', 'kube-system', `helm-install-${name}`);
  const status = job?.['status'] as { succeeded?: number } | undefined;
  return status?.succeeded === 1;
}

/** So that there is something to wait for. */
function stopAtNextChart(server: FakeKubeApi): void {
  const stop = server.api.store.onChange(({ type, object, previous }) => {
    if (type !== 'MODIFIED' || object.kind !== 'HelmChart') return;
    if (object.metadata.generation === previous?.metadata.generation) return;
    stop();
    server.lab.stop('helm-controller');
  });
}

describe('deploy:lab upgrade', { timeout: 300_000 }, () => {
  it('brings older charts to the pins, each awaited before the next, and writes nothing again', async () => {
    const { server, deploy } = await useAppliedLab();
    await setVersion(server, 'metallb', '0.15.0');
    await setVersion(server, 'postgres-operator', '1.15.1');
    const jobs = { metallb: jobOf(server, 'metallb'), operator: jobOf(server, 'postgres-operator') };
    server.requests.clear();
    server.lab.stop('helm-controller');
    const waited: string[] = [];
    const { code, out, err } = await deploy(['upgrade', '--yes', '--lang', 'en'], {
      onLine(line) {
        if (!/helm-install-(metallb|postgres-operator)/.test(line)) return;
        waited.push(versionOf(server, 'postgres-operator'));
        server.lab.start('helm-controller');
        if (waited.length === 1) stopAtNextChart(server);
      },
    });
    expect(code, out + err).toBe(EXIT.ok);
    expect(out).toContain(`  ~ MetalLB 0.15.0 → ${CHARTS.metallb.version}\n`);
    expect(out).toContain(
      `  ~ postgres-operator 1.15.1 → ${CHARTS['postgres-operator'].version} (over several versions`,
    );
    expect(out).toContain('  = PostgreSQL 16\n');
    expect(out).toMatch(/\n2 parts upgraded in \d+ s\.$/);
    // For the first chart the second was left alone, and the second was awaited as well.
    expect(new Set(waited)).toEqual(new Set(['1.15.1', CHARTS['postgres-operator'].version]));
    expect(jobOf(server, 'metallb')).not.toBe(jobs.metallb);
    expect(jobOf(server, 'postgres-operator')).not.toBe(jobs.operator);
    expect(isInstalled(server, 'postgres-operator')).toBe(true);
    // By dry runs as well.
    expect(new Set(writesTo(server).map(({ name }) => name))).toEqual(
      new Set(['metallb', 'postgres-operator']),
    );

    server.requests.clear();
    const again = await deploy(['upgrade', '--yes', '--lang', 'en']);
    expect(again.code, again.err).toBe(EXIT.ok);
    expect(again.out).toContain('Nothing is to be upgraded.');
    expect(server.requests.writes()).toEqual([]);
  });

  it('asks first, and takes no for an answer', async () => {
    const { server, deploy } = await useAppliedLab();
    await setVersion(server, 'metallb', '0.16.0');
    server.requests.clear();
    const asked: string[] = [];
    const { code } = await deploy(['upgrade', '--lang', 'en'], {
      ask: async (question) => {
        asked.push(question);
        return 'n';
      },
    });
    expect(code).toBe(EXIT.failed);
    expect(asked).toEqual(['Upgrade this part? [y/N] ']);
    expect(server.requests.writes()).toEqual([]);
    expect(versionOf(server, 'metallb')).toBe('0.16.0');
  });

  it('refuses a cluster that is not whole, unless nothing is to be done', async () => {
    const { server, deploy } = await useAppliedLab();
    const target = targetOf(server, 'acid.zalan.do/v1', 'postgresql', CLUSTER, 'default');
    server.lab.stop('postgres-operator');
    const status = { PostgresClusterStatus: 'SyncFailed' };
    server.api.patch({ ...target, subresource: 'status' }, 'merge', { status }, { manager: 'a test' });
    const idle = await deploy(['upgrade', '--yes', '--lang', 'en']);
    expect(idle.code, idle.err).toBe(EXIT.ok);

    await setVersion(server, 'metallb', '0.16.0');
    server.requests.clear();
    const { code, err } = await deploy(['upgrade', '--yes', '--lang', 'en']);
    expect(code).toBe(EXIT.failed);
    expect(err).toContain(`${CLUSTER} is not whole`);
    expect(err).toContain('SyncFailed');
    expect(server.requests.writes()).toEqual([]);
  });

  it('awaits what a run that was stopped had only written, before it calls that done', async () => {
    const { server, deploy } = await useAppliedLab();
    await setVersion(server, 'metallb', '0.15.0');
    server.lab.stop('helm-controller');
    const stopping = new AbortController();
    const stopped = await deploy(['upgrade', '--yes', '--lang', 'en'], {
      session: { signal: stopping.signal },
      onLine: (line) => line.includes('waiting for the chart') && stopping.abort(),
    });
    expect(stopped.code, stopped.err).toBe(EXIT.interrupted);
    expect(versionOf(server, 'metallb')).toBe(CHARTS.metallb.version);
    server.requests.clear();
    const short = { ...QUICK, waitMs: { ...QUICK.waitMs, chart: 300 } };
    const early = await deploy(['upgrade', '--yes', '--lang', 'en'], { pace: short });
    expect(early.code, early.out).toBe(EXIT.failed);
    expect(early.out).toContain(
      `  ~ MetalLB ${CHARTS.metallb.version} was written earlier and is not rolled out yet: Job kube-system/helm-install-metallb is still the one from before the change\n`,
    );
    expect(early.err).toContain(
      'for the chart metallb: Job kube-system/helm-install-metallb is still the one',
    );

    const { code, out, err } = await deploy(['upgrade', '--yes', '--lang', 'en'], {
      onLine: (line) => line.includes('waiting for the chart') && server.lab.start('helm-controller'),
    });
    expect(code, err).toBe(EXIT.ok);
    expect(out).toMatch(/\n1 part rolled out after \d+ s\.\nNothing is to be upgraded\.$/);
    expect(isInstalled(server, 'metallb')).toBe(true);
    expect(server.requests.writes()).toEqual([]);
    expect((await deploy(['upgrade', '--yes', '--lang', 'de'])).out).not.toContain('ausgerollt');
  });

  it('awaits the pods of a chart whose Job is done', async () => {
    const { server, deploy } = await useAppliedLab();
    server.lab.stop('kube-controller-manager');
    const target = targetOf(server, 'apps/v1', 'Deployment', 'metallb-controller', 'metallb-system');
    const status = { availableReplicas: 0, readyReplicas: 0 };
    server.api.patch({ ...target, subresource: 'status' }, 'merge', { status }, { manager: 'a test' });
    const waiting = Promise.withResolvers<void>();
    const first = deploy(['upgrade', '--yes', '--lang', 'de'], {
      onLine: (line) => line.includes('wartet auf das Chart metallb') && waiting.resolve(),
    });
    await waiting.promise;
    server.lab.start('kube-controller-manager');
    const { code, out, err } = await first;
    expect(code, err).toBe(EXIT.ok);
    expect(out).toContain(
      'ist früher geschrieben worden und noch nicht ausgerollt: Deployment metallb-system/metallb-controller hat 0 von 1 Pods bereit\n',
    );
    expect(out).toMatch(/\n1 Teil nach \d+ s ausgerollt\.\n/);
  });

  it('gives its result as JSON, and what happens meanwhile beside it', async () => {
    const { server, deploy } = await useAppliedLab();
    await setVersion(server, 'metallb', '0.15.0');
    const { code, out, err } = await deploy(['upgrade', '--yes', '--json', '--lang', 'en'], {
      session: { isLive: true },
    });
    expect(code, err).toBe(EXIT.ok);
    expect(err).toContain('  ~ MetalLB 0.15.0 → ');
    expect(err).toContain('changed HelmChart kube-system/metallb');
    const report = JSON.parse(out) as { parts: { part: string }[] };
    expect(report).toMatchObject({ version: 1, context: 'fake', durationMs: expect.any(Number) as number });
    const byPart = Object.fromEntries(report.parts.map(({ part, ...each }) => [part, each]));
    const { version } = CHARTS.metallb;
    expect(byPart['metallb']).toEqual({ from: '0.15.0', to: version, upgraded: true, awaited: true });
    expect(byPart['postgresql']).toEqual({ from: '16', to: '16', upgraded: false, awaited: false });

    const bare = await deploy(['upgrade', '--json', '--lang', 'en']);
    expect(bare).toMatchObject({ code: EXIT.usage, out: '' });
    const idle = await deploy(['upgrade', '--json', '--yes', '--lang', 'en']);
    expect(idle.code).toBe(EXIT.ok);
    expect(JSON.parse(idle.out)).toMatchObject({ version: 1 });
  });

  it('says which lab there is nothing of yet', async () => {
    const { server, deploy } = await useCluster();
    const { code, out } = await deploy(['upgrade', '--yes', '--lang', 'en']);
    expect(code).toBe(EXIT.ok);
    expect(out).toContain("  - MetalLB is not installed; 'deploy:lab apply' does that\n");
    expect(out).toContain('Nothing is to be upgraded.');
    expect(server.requests.writes()).toEqual([]);
  });
});

describe('upgrade, apply and all of it', { timeout: 300_000 }, () => {
  const COMMANDS = ['upgrade', 'apply', 'deploy'];

  it('take no chart back, whoever has brought it forward', async () => {
    const { server, deploy } = await useAppliedLab();
    await setVersion(server, 'metallb', '0.17.0');
    const byHand = targetOf(server, 'helm.cattle.io/v1', 'HelmChart', 'csi-driver-smb', 'kube-system');
    server.api.patch(byHand, 'merge', { spec: { version: '1.21.0' } }, { manager: 'kubectl-edit' });
    server.requests.clear();
    for (const command of COMMANDS) {
      const { code, err } = await deploy([command, '--yes', '--lang', 'en']);
      expect(code, command).toBe(EXIT.failed);
      expect(err).toContain(`MetalLB 0.17.0 runs, and this deploy:lab brings ${CHARTS.metallb.version}`);
      expect(err).toContain('Use a deploy:lab that brings 0.17.0 or newer.');
      expect(err).toContain('csi-driver-smb 1.21.0 runs');
      expect(server.requests.writes(), command).toEqual([]);
    }
    expect(versionOf(server, 'metallb')).toBe('0.17.0');
  });

  it('make PostgreSQL neither older nor newer', async () => {
    const { server, deploy, labFile } = await useAppliedLab();
    server.requests.clear();
    for (const [version, remedy] of [
      ['15', 'Set cluster.postgres to 16.'],
      ['17', 'Set cluster.postgres back to 16.'],
    ] as const) {
      const lab = await labFile((text) => text.replace('postgres: 16', `postgres: ${version}`));
      for (const command of COMMANDS) {
        const { code, err } = await deploy([command, '--yes', '--lang', 'en', '--lab', lab]);
        expect(code, command).toBe(EXIT.failed);
        expect(err).toContain(`PostgreSQL 16 runs, and the lab.yaml wants ${version}`);
        expect(err).toContain(remedy);
        expect(server.requests.writes(), command).toEqual([]);
      }
    }
  });

  it('are shown in the plan as refused, with what runs', async () => {
    const { server, deploy, labFile } = await useAppliedLab();
    await setVersion(server, 'metallb', '0.17.0');
    const lab = await labFile((text) => text.replace('postgres: 16', 'postgres: 17'));
    const { code, out } = await deploy(['plan', '--lang', 'en', '--lab', lab]);
    expect(code).toBe(EXIT.changes);
    const { version } = CHARTS.metallb;
    expect(out).toContain(
      `  ! HelmChart kube-system/metallb (MetalLB 0.17.0 runs; apply and upgrade refuse to bring it back to ${version})\n`,
    );
    expect(out).toContain(`      spec.version: "0.17.0" → "${version}"\n`);
    expect(out).toContain(
      `  ! postgresql default/${CLUSTER} (PostgreSQL 16 runs; apply and upgrade refuse another major version, 17)\n`,
    );
    expect(out).toContain(' 0 to change, 0 in conflict, 2 refused,');
    const german = await deploy(['plan', '--lang', 'de', '--lab', lab]);
    expect(german.out).toContain(
      `(MetalLB 0.17.0 läuft; apply und upgrade lehnen den Weg zurück zu ${version} ab)`,
    );
    expect(german.out).toContain(
      '(PostgreSQL 16 läuft; apply und upgrade lehnen eine andere Hauptversion, 17, ab)',
    );

    const json = await deploy(['plan', '--json', '--lab', lab]);
    expect(json.code).toBe(EXIT.changes);
    const { steps } = JSON.parse(json.out) as { steps: { resources: { action: string }[] }[] };
    const refused = steps
      .flatMap(({ resources }) => resources)
      .filter(({ action }) => action === 'version-refused');
    expect(refused).toMatchObject([
      { resource: { name: 'metallb' }, part: 'metallb', from: '0.17.0', to: version, why: 'downgrade' },
      { resource: { name: CLUSTER }, part: 'postgresql', from: '16', to: '17', why: 'major' },
    ]);

    // Who has changed it by hand would be told to force it.
    const byHand = targetOf(server, 'helm.cattle.io/v1', 'HelmChart', 'csi-driver-smb', 'kube-system');
    server.api.patch(byHand, 'merge', { spec: { version: '1.21.0' } }, { manager: 'kubectl-edit' });
    expect((await deploy(['plan', '--lang', 'en'])).out).toContain(
      '  ! HelmChart kube-system/csi-driver-smb (csi-driver-smb 1.21.0 runs;',
    );
  });

  it('look once more just before a chart is written', async () => {
    const { server, deploy } = await useAppliedLab();
    await setVersion(server, 'metallb', '0.16.0');
    const { code, err } = await deploy(['upgrade', '--lang', 'en'], {
      async ask() {
        await setVersion(server, 'metallb', '0.17.0');
        return 'y';
      },
    });
    expect(code).toBe(EXIT.failed);
    expect(err).toContain('MetalLB 0.17.0 runs');
    expect(versionOf(server, 'metallb')).toBe('0.17.0');
  });
});
