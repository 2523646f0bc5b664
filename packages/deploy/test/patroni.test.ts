/** What operates a cluster, with real Patroni behind the pods: it chooses, refuses, hands over and fails over itself. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shippedText } from '../scripts/crds/shipped.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import type { DrillResult } from '../src/operations/drill/judge.ts';
import type { Member } from '../src/operations/members.ts';
import { NAME, useOperatedLab } from './support/operated-lab.ts';
import { podOf } from './support/patroni-pods.ts';
import { RealPatroni } from './support/real-patroni.ts';
import type { Ran } from './support/use-cluster.ts';
import { describeWithPatroni, systemPostgres } from './support/with-patroni.ts';

/** A lease of 20 s, and what a busy machine adds to it, twice. */
const FAILOVER_MS = 240_000;

/** In the version that the operating system has. Times are those of a busy machine, and not what is tested. */
function edit(text: string): string {
  return text
    .replace('postgres: 16', `postgres: ${systemPostgres ?? 16}`)
    .replace('replicaReadMs: 1000', 'replicaReadMs: 60000')
    .replace('switchoverMs: 15000', 'switchoverMs: 600000')
    .replace('failoverMs: 60000', 'failoverMs: 600000');
}

describeWithPatroni('deploy:lab with real Patroni', () => {
  const lab = useOperatedLab({ engine: 'patroni', edit });
  let patroni: RealPatroni;

  beforeAll(() => {
    patroni = new RealPatroni(lab());
    patroni.begin();
  });
  afterAll(() => patroni?.stop());

  async function run(...args: string[]): Promise<Ran> {
    const path = join(lab().directory, 'patroni.yaml');
    await writeFile(path, edit(shippedText('lab.yaml')));
    return lab().deploy([...args, '--lang', 'en', '--lab', path]);
  }

  async function members(): Promise<Member[]> {
    const { out } = await run('status', '--json');
    return (JSON.parse(out) as { members: Member[] }).members;
  }

  /** Who leads by the labels, once that is who leads among the servers and somebody confirms. */
  async function settled(): Promise<{ leader: string; confirming: string; other: string }> {
    let found = { leader: '', confirming: '', other: '' };
    await expect
      .poll(
        async () => {
          const all = await members();
          const { primary } = await lab().database.status();
          const leader = all.find(({ role }) => role === 'primary')?.pod ?? '';
          const confirming = all.find(({ isSynchronous }) => isSynchronous)?.pod ?? '';
          const other = all.find(({ pod }) => pod !== leader && pod !== confirming)?.pod ?? '';
          found = { leader, confirming, other };
          return all.length === 3 && leader === podOf(primary ?? 'pg0') && confirming !== '';
        },
        { timeout: FAILOVER_MS, interval: 200 },
      )
      .toBe(true);
    return found;
  }

  it('status says what Patroni does, and verify finds nothing wrong', async () => {
    const { leader, confirming } = await settled();
    const { servers, timeline } = await lab().database.status();
    expect(servers.filter(({ synchronous }) => synchronous).map(({ name }) => podOf(name))).toEqual([
      confirming,
    ]);
    const { out } = await run('status');
    expect(out).toMatch(new RegExp(`${leader} +primary +ready +running +timeline ${timeline ?? 0}`));
    expect(out).toMatch(
      new RegExp(`${confirming} +standby +ready +\\w+ +timeline ${timeline ?? 0} .*confirms`),
    );
    const verified = await run('verify');
    expect(verified.code, verified.out + verified.err).toBe(EXIT.ok);
    expect(verified.out).not.toContain('FAILED');
  });

  it('switchover lets Patroni choose, and goes to whom is named', { timeout: 2 * FAILOVER_MS }, async () => {
    const before = await settled();
    const { timeline } = await lab().database.status();
    const chosen = await run('switchover', '--yes');
    expect(chosen.code, chosen.out + chosen.err).toBe(EXIT.ok);
    const after = await settled();
    // Whom it may choose is who confirms.
    expect(after.leader).toBe(before.confirming);
    expect(chosen.out).toContain(`${after.leader} leads now, after`);
    expect(chosen.out).toContain('ok           write (master): done');
    expect(chosen.out).toContain('ok           write (master pooler): done');
    const named = await run('switchover', '--yes', '--to', after.confirming);
    expect(named.code, named.out + named.err).toBe(EXIT.ok);
    expect((await settled()).leader).toBe(after.confirming);
    expect((await lab().database.status()).timeline).toBe((timeline ?? 0) + 2);
  });

  it('refuses who does not confirm; where the cluster does not show that yet, Patroni itself does', async () => {
    const { leader, confirming, other } = await settled();
    const { err } = await run('switchover', '--yes', '--to', other);
    expect(err).toContain(`${other} does not confirm writes`);
    expect(err).toContain(`Name one of ${confirming}`);
    const refused = await patroni.unseen(async () => {
      const { server } = lab();
      server.lab.patroni.confirming.set(NAME, [other]);
      server.lab.start('postgres-operator');
      await expect
        .poll(async () => (await members()).find(({ isSynchronous }) => isSynchronous)?.pod, {
          timeout: 60_000,
        })
        .toBe(other);
      return run('switchover', '--yes', '--to', other);
    });
    expect(refused.code).toBe(EXIT.failed);
    expect(refused.err).toMatch(/Patroni in Pod \S+ refuses the switchover \(412: .*candidate name/);
    expect((await settled()).leader).toBe(leader);
  });

  it(
    'drill failover: it hands over, and fails over once the lease is over, and nothing is lost or doubled',
    { timeout: 2 * FAILOVER_MS },
    async () => {
      await settled();
      const { code, out, err } = await run('drill', 'failover', '--yes', '--json', '--clients', '5');
      expect(code, out + err).toBe(EXIT.ok);
      const { drills } = JSON.parse(out) as { drills: DrillResult[] };
      expect(drills.map(({ drill }) => drill)).toEqual(['switchover', 'pod-kill']);
      for (const { from, to, missed, writes } of drills) {
        expect(missed).toEqual([]);
        expect(to).not.toBe(from);
        expect(writes).toMatchObject({ lost: 0, doubled: 0, ghosts: 0, unexpected: 0, unknown: 0 });
        expect(writes?.acknowledged).toBeGreaterThan(50);
      }
      expect(err).toContain('all members are back');
      const events = await lab().database.history();
      const died = events.findLast(({ type }) => type === 'primary:lost');
      expect(died).toMatchObject({ server: expect.any(String) as string });
      expect(podOf(died?.server ?? 'pg0')).toBe(drills[1]?.from);
      const verified = await run('verify');
      expect(verified.code, verified.out + verified.err).toBe(EXIT.ok);
    },
  );
});
