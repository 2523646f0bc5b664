/** `deploy:lab scale`: senders before members, and a primary that is never among those that go. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { shippedText } from '../scripts/crds/shipped.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { NAME, useOperatedLab } from './support/operated-lab.ts';
import { QUICK, useCluster } from './support/use-cluster.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const lab = useOperatedLab({ settings: { max_wal_senders: '25', max_replication_slots: '25' } });

/** Machines that could carry more. */
const large = (text: string) => text.replaceAll('cpus: 2, memory: 4Gi', 'cpus: 16, memory: 64Gi');

async function labFile(edit: (text: string) => string = large): Promise<string> {
  const path = join(lab().directory, 'scaled.yaml');
  await writeFile(path, edit(shippedText('lab.yaml')));
  return path;
}

function pods(): { name: string; role: string | undefined }[] {
  return lab()
    .server.api.store.list('/pods', 'default')
    .filter(({ metadata }) => metadata.labels?.['application'] === 'spilo')
    .map(({ metadata }) => ({ name: metadata.name ?? '', role: metadata.labels?.['spilo-role'] }));
}

/** Names of the pods of the members from one number up to another one. */
function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, n) => `${NAME}-${from + n}`);
}

function byNumber(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

/** The database's pods that come or go from now on, as they were then. */
function watchPods(change: 'ADDED' | 'DELETED'): { name: string; role: string | undefined }[] {
  const seen: { name: string; role: string | undefined }[] = [];
  const stop = lab().server.api.store.onChange(({ type, resource, object: { metadata } }) => {
    if (type !== change || resource !== '/pods' || metadata.labels?.['application'] !== 'spilo') return;
    seen.push({ name: metadata.name ?? '', role: metadata.labels['spilo-role'] });
  });
  onTestFinished(stop);
  return seen;
}

/** What Patroni was told has come to its labels and ConfigMaps. */
async function untilLed(leader: string, confirming: string): Promise<void> {
  const { store } = lab().server.api;
  const sync = () => store.get('/configmaps', 'default', `${NAME}-sync`)?.metadata.annotations;
  await expect
    .poll(() => [pods().find(({ role }) => role === 'master')?.name, sync()?.['sync_standby']], {
      timeout: 60_000,
    })
    .toEqual([leader, confirming]);
}

interface Spec {
  readonly numberOfInstances: number;
  readonly postgresql: { readonly parameters: Readonly<Record<string, string>> };
}

/** What was asked of the operator, in this order: instances and senders. */
function watchCluster(onChange: (spec: Spec) => void = () => {}): string[] {
  const seen: string[] = [];
  const stop = lab().server.api.store.onChange(({ type, resource, object, previous }) => {
    if (type !== 'MODIFIED' || resource !== 'acid.zalan.do/postgresqls') return;
    const [before, spec] = [previous?.['spec'], object['spec']] as [Spec, Spec];
    const text = (each: Spec) =>
      `${each.numberOfInstances} with ${each.postgresql.parameters['max_wal_senders'] ?? ''}`;
    if (text(before) === text(spec)) return;
    seen.push(text(spec));
    onChange(spec);
  });
  onTestFinished(stop);
  return seen;
}

describeWithPoolers('deploy:lab scale', () => {
  it('sets senders and slots, waits for the restart, and adds members then', async () => {
    const { server, deploy } = lab();
    const members = server.lab.patroni.members;
    const seen = watchCluster(() => {
      if (members.size === 0 && seen.length === 1)
        for (const { name } of pods()) members.set(name, { pending_restart: true });
    });
    const added = watchPods('ADDED');
    const path = await labFile();
    let sawWaiting = false;
    const { code, out, err } = await deploy(['scale', '20', '--yes', '--lab', path], {
      onLine(line) {
        if (!line.includes('wait for their restart') || sawWaiting) return;
        sawWaiting = true;
        expect(pods()).toHaveLength(3);
        members.clear();
        server.lab.start('postgres-operator');
      },
    });
    expect(code, out + err).toBe(EXIT.ok);
    expect(sawWaiting).toBe(true);
    expect(seen).toEqual(['3 with 25', '20 with 25']);
    // One after the other, each once the one before is ready.
    expect(added.map(({ name }) => name)).toEqual(numbered(3, 20));
    expect(pods()).toHaveLength(20);
    for (const setting of ['max_wal_senders', 'max_replication_slots'])
      expect(out).toContain(`cluster.parameters.${setting}: 16 → 25`);
    const text = await readFile(path, 'utf8');
    expect(text).toContain('  # Primary and standbys together.\n  instances: 20\n');
    // What the lab says is what is there.
    const again = await deploy(['scale', '20', '--yes', '--lab', path]);
    expect(again.code).toBe(EXIT.ok);
    expect(seen).toHaveLength(2);
  });

  it('lets one that stays lead before the others go, and keeps their data', async () => {
    const { server, deploy } = lab();
    const path = await labFile((text) =>
      large(text)
        .replace('instances: 3', 'instances: 20')
        .replace('max_wal_senders: 16', 'max_wal_senders: 25')
        .replace('max_replication_slots: 16', 'max_replication_slots: 25'),
    );
    const { patroni } = server.lab;
    patroni.leaders.set(NAME, `${NAME}-13`);
    patroni.confirming.set(NAME, [`${NAME}-17`]);
    server.lab.start('postgres-operator');
    onTestFinished(() => {
      patroni.leaders.clear();
      patroni.confirming.clear();
    });
    await untilLed(`${NAME}-13`, `${NAME}-17`);
    const refused = await deploy(['scale', '3', '--yes', '--lab', path]);
    expect(refused.err).toContain(`${NAME}-13 leads, and would be removed with 3 instances`);
    expect(pods()).toHaveLength(20);
    expect(await readFile(path, 'utf8')).toContain('  instances: 20\n');

    patroni.confirming.set(NAME, [`${NAME}-1`, `${NAME}-17`]);
    server.lab.start('postgres-operator');
    await untilLed(`${NAME}-13`, `${NAME}-1,${NAME}-17`);
    server.pods.run = ({ pod, command }) => {
      const { candidate = '' } = JSON.parse(command.at(-2) ?? '') as { candidate?: string };
      expect([pod, candidate]).toEqual([`${NAME}-13`, `${NAME}-1`]);
      patroni.leaders.set(NAME, candidate);
      patroni.confirming.set(NAME, [`${NAME}-0`]);
      server.lab.start('postgres-operator');
      return { stdout: 'Successfully switched over\n200' };
    };
    const removed = watchPods('DELETED');
    const { code, out, err } = await deploy(['scale', '3', '--yes', '--lab', path]);
    expect(code, out + err).toBe(EXIT.ok);
    expect(out).toContain(`  ${NAME}-13 would go; ${NAME}-1 takes over first`);
    // The one that led among them, which led no longer by then.
    expect(removed.map(({ name }) => name).toSorted(byNumber)).toEqual(numbered(3, 20));
    expect(removed.map(({ role }) => role)).not.toContain('master');
    expect(pods().map(({ name }) => name)).toEqual(numbered(0, 3));
    const claims = server.api.store.list('/persistentvolumeclaims', 'default');
    const names = claims.map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(numbered(0, 20).map((pod) => `pgdata-${pod}`)));
    expect(out).toContain(`the data of those that went stays: pgdata-${NAME}-3, `);
    const text = await readFile(path, 'utf8');
    expect(text).toContain('  instances: 3\n');
    // Lowering them would cost a restart.
    expect(text).toContain('max_wal_senders: 25');
  });

  it('refuses with figures what the machines of the lab cannot carry, and leaves the file alone', async () => {
    const path = await labFile((text) => text);
    const before = await readFile(path, 'utf8');
    const { code, err } = await lab().deploy(['scale', '20', '--yes', '--lab', path]);
    expect(code).toBe(EXIT.invalidLab);
    expect(err).toMatch(
      /cluster\.instances: memory is short on gl2: .* requests 3\.6 GiB, but 2 GiB of 4 GiB are free/,
    );
    expect(err).toContain('The lab.yaml and the cluster stay as they are');
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  it('asks, and explains what it does not do', async () => {
    const { deploy } = lab();
    const path = await labFile();
    const declined = await deploy(['scale', '4', '--lab', path, '--lang', 'de'], { ask: async () => 'n' });
    expect(declined).toMatchObject({ code: EXIT.failed });
    expect(declined.out).toContain('Es wurde nichts geändert.');
    expect(await readFile(path, 'utf8')).toContain('  instances: 3\n');
    expect((await deploy(['scale', '4', '--yes'])).err).toContain('is the lab that is shipped');
    expect((await deploy(['scale', 'many', '--yes'])).err).toContain(
      "'many' is no number of instances; allowed: 1 to 100",
    );
    expect((await deploy(['scale', '0', '--yes'])).code).toBe(EXIT.usage);
    const other = await labFile((text) =>
      large(text).replace('max_connections: 200', 'max_connections: 300'),
    );
    expect((await deploy(['scale', '4', '--yes', '--lab', other])).err).toContain(
      'differs from the lab.yaml in spec.postgresql.parameters.max_connections as well.',
    );
  });

  it('says why the settings are not there, when that takes too long, and is stopped by Ctrl-C', async () => {
    const { server, deploy } = lab();
    server.lab.patroni.members.set(`${NAME}-2`, { pending_restart: true });
    server.lab.start('postgres-operator');
    onTestFinished(() => server.lab.patroni.members.clear());
    const path = await labFile();
    const stopping = new AbortController();
    const stopped = await deploy(['scale', '4', '--yes', '--lab', path], {
      session: { signal: stopping.signal },
      onLine: (line) => line.includes('wait for their restart') && stopping.abort(),
    });
    expect(stopped).toMatchObject({ code: EXIT.interrupted });
    const pace = { ...QUICK, waitMs: { ...QUICK.waitMs, database: 300 } };
    const { code, err } = await deploy(['scale', '4', '--yes', '--lab', path], { pace });
    expect(code).toBe(EXIT.failed);
    expect(err).toContain(`${NAME}-2 wait for their restart.`);
    expect(err).toContain('The same command goes on from here.');
  });
});

describeWithPoolers('deploy:lab scale, by what the nodes have free', () => {
  it('refuses with figures before it touches anything', async () => {
    const nodes = ['gl2', 'gl3', 'gl6'].map((name, n) => ({ name, ip: `10.0.145.11${n}`, memoryGi: 1 }));
    const { server, deploy, directory } = await useCluster({ lab: { nodes } });
    const path = join(directory, 'lab.yaml');
    await writeFile(path, large(shippedText('lab.yaml')));
    expect((await deploy(['apply', '--yes', '--lab', path])).code).toBe(EXIT.ok);
    const { code, err } = await deploy(['scale', '9', '--yes', '--lab', path]);
    expect(code).toBe(EXIT.failed);
    expect(err).toMatch(
      /There is room for \d of 6 more instances: the next one needs 512 MiB of memory, and node gl\d has \d+ MiB free\./,
    );
    expect(await readFile(path, 'utf8')).toContain('  instances: 3\n');
    const set = server.api.store.list('apps/statefulsets').find(({ metadata }) => metadata.name === NAME);
    expect(set?.['spec']).toMatchObject({ replicas: 3 });
  });
});
