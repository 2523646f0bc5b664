import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { useCluster } from './support/use-cluster.ts';

const NAME = 'wichtige-daten-3';

describe('deploy:lab status', () => {
  it('shows members, poolers, addresses, volumes and what nodes have free, and changes nothing', async () => {
    const { server, deploy } = await useCluster();
    expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
    server.requests.clear();
    const { code, out } = await deploy(['status']);
    expect(code).toBe(EXIT.ok);
    expect(server.requests.writes()).toEqual([]);
    for (const line of [
      `${NAME}: Running, 3 of 3 instances ready`,
      `  ${NAME}-0  primary  ready  running    timeline 1  -           `,
      `  ${NAME}-1  standby  ready  streaming  timeline 1  0 B behind  confirms`,
      `  ${NAME}-pooler-repl  2 of 2 pods ready`,
      `  replica pooler  10.0.145.137  ${NAME}-pooler-repl`,
      `  pgdata-${NAME}-2  Bound  10Gi  local-path-retain`,
      `of 4000m requested`,
      `Warnings\n  none`,
    ])
      expect(out).toContain(line);
    const german = await deploy(['status', '--lang', 'de']);
    expect(german.out).toContain(`${NAME}: Running, 3 von 3 Instanzen bereit`);
    expect(german.out).toContain('bestätigt');
    // Three instances of 512Mi and four poolers of 64Mi.
    const json = JSON.parse((await deploy(['status', '--json'])).out) as {
      nodes: { requested: { memory: number } }[];
      warnings: unknown[];
    };
    expect(json.nodes.reduce((sum, { requested }) => sum + requested.memory, 0)).toBe(
      (3 * 512 + 4 * 64) * 1024 ** 2,
    );
    expect(json.warnings).toEqual([]);
  });

  it('warns of what verify would find, of shared nodes and full ones', async () => {
    const nodes = [{ name: 'gl2', ip: '10.0.145.110', isServer: true, cpus: 1, memoryGi: 2 }];
    const { deploy, server } = await useCluster({ lab: { nodes } });
    expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
    server.lab.patroni.leaders.set(NAME, `${NAME}-1`);
    server.lab.patroni.members.set(`${NAME}-2`, { state: 'start failed' });
    server.lab.start('postgres-operator');
    await expect
      .poll(async () => (await deploy(['status'])).out, { timeout: 30_000 })
      .toContain('start failed');
    const { code, out } = await deploy(['status']);
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(new RegExp(`${NAME}-1 +primary +ready +running +timeline 2`));
    expect(out).toContain('there is no node gl3 (10.0.145.111)');
    expect(out).toContain(`Pod ${NAME}-2 is in the state 'start failed'`);
    expect(out).toMatch(/\d+ % of the CPU of node gl2 is requested\./);
  });

  it('is there before there is a cluster', async () => {
    const { deploy } = await useCluster();
    const { code, out } = await deploy(['status']);
    expect(code).toBe(EXIT.ok);
    expect(out).toContain(`${NAME}: not there, 0 of 0 instances ready`);
    expect(out).toContain(`postgresql default/${NAME} is not there`);
  });

  it('shows each change until Ctrl-C, and goes on where the API is away', async () => {
    const { deploy, server } = await useCluster();
    const stopping = new AbortController();
    const shown: string[] = [];
    const ran = deploy(['status', '--watch', '--json'], {
      session: { signal: stopping.signal },
      onLine: (line) => shown.push(line),
    });
    await expect.poll(() => shown.length, { timeout: 30_000 }).toBe(1);
    const fault = server.faults.add({ match: {}, effect: { kind: 'status', code: 500 } });
    await expect.poll(() => shown.at(-1), { timeout: 30_000 }).toContain('deploy:lab: ');
    fault.remove();
    await expect.poll(() => shown.at(-1), { timeout: 30_000 }).toContain('"version":1');
    stopping.abort();
    expect((await ran).code).toBe(EXIT.ok);
    expect(shown).toHaveLength(3);
  });
});
