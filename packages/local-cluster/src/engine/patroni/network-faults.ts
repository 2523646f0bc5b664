import { ClusterError } from '../../errors.ts';
import type { FaultOptions } from '../../faults/fault.ts';
import { resolveGroups } from '../../faults/partition-groups.ts';
import { waitFor } from '../../process/wait.ts';
import type { Announce, Effect, Engine } from '../engine.ts';
import { LAG_DEFAULTS } from '../lag-defaults.ts';
import { CLIENTS, CONTROL } from './network.ts';
import type { PatroniNode } from './patroni-node.ts';
import { resume } from './resume.ts';
import type { PatroniScene } from './scene.ts';

/** Agents read their configuration and tell the server within two loops. */
const IN_FORCE_WITHIN_MS = 20_000;

/** Faults between nodes. */
export function networkFaults(scene: PatroniScene): Engine['faults'] {
  const lags: { nodes: readonly PatroniNode[]; lagMs: number }[] = [];
  return {
    'cut-replication': (options, announce) => cutReplication(scene, options, announce),
    partition: (options, announce) => partition(scene, options, announce),
    lag: async ({ server, lagMs = LAG_DEFAULTS.lagMs }, announce) => {
      const { standbys, covered } = chooseStandbys('lag', scene, server);
      announce(namesOf(standbys).join(', '), `by ${lagMs} ms`);
      const lag = { nodes: covered, lagMs: Math.max(1, Math.round(lagMs)) };
      lags.push(lag);
      const tell = async () => {
        // Of several for one the last holds.
        const lagOf = (node: PatroniNode) => lags.findLast(({ nodes }) => nodes.includes(node))?.lagMs ?? 0;
        await Promise.all(covered.map((node) => node.delayReplay(lagOf(node))));
        await Promise.all(covered.map((node) => isInForce(scene, node)));
      };
      await tell();
      return {
        undo: async () => {
          lags.splice(lags.indexOf(lag), 1);
          await tell();
        },
      };
    },
  };
}

/** Nothing of replication gets through, nor of clones; agents go on hearing each other. */
async function cutReplication(
  scene: PatroniScene,
  { server }: FaultOptions,
  announce: Announce,
): Promise<Effect> {
  const { standbys, covered } = chooseStandbys('cut-replication', scene, server);
  announce(namesOf(standbys).join(', '));
  const names = namesOf(covered);
  const heal = scene.network.cut(
    ({ from, traffic }) => traffic === 'sql' && from !== CLIENTS && names.includes(from),
  );
  return { undo: () => Promise.resolve(heal()) };
}

async function partition(scene: PatroniScene, { groups }: FaultOptions, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('partition');
  const cluster = { servers: namesOf(scene.nodes), primary: primary.name };
  const { groupOf, text } = resolveGroups(groups, cluster);
  announce(text);
  const cutAt = performance.now();
  const heal = scene.network.cut(({ from, to }) => {
    const [one, other] = [groupOf(from), groupOf(to)];
    return one !== undefined && other !== undefined && one !== other;
  });
  return {
    undo: async () => {
      if (groupOf(primary.name) === groupOf(CONTROL)) heal();
      else await resume(scene, primary, cutAt, { goOn: heal, end: () => primary.killAgent() });
    },
  };
}

/** The standbys that are hit, and all that are covered: without a name whoever becomes a standby as well. */
function chooseStandbys(
  fault: string,
  scene: PatroniScene,
  server: string | undefined,
): { standbys: readonly PatroniNode[]; covered: readonly PatroniNode[] } {
  const primary = scene.requirePrimary(fault);
  const standbys = scene.nodes.filter((node) => node !== primary);
  if (standbys.length === 0) {
    throw new ClusterError('fault-failed', `${fault}: there is no standby; start with replicas of 1 or more`);
  }
  if (server === undefined) return { standbys, covered: scene.nodes };
  const named = standbys.filter(({ name }) => name === server);
  if (named.length > 0) return { standbys: named, covered: named };
  const known = namesOf(standbys).join(', ');
  throw new ClusterError(
    'fault-failed',
    server === primary.name
      ? `${fault}: ${server} is the primary right now (standbys: ${known})`
      : `${fault}: there is no server ${server} (standbys: ${known})`,
  );
}

/** Tells the order from what a standby has taken over; one that does not answer takes it over when it starts. */
async function isInForce(scene: PatroniScene, node: PatroniNode): Promise<void> {
  await waitFor(
    async () => {
      if (node === scene.primary || node.state !== 'running' || !node.agentRuns) return true;
      const [row] = await node.session(
        (session) =>
          session.query<{ delay: number }>(
            "SELECT setting::int AS delay FROM pg_settings WHERE name = 'recovery_min_apply_delay'",
          ),
        { timeoutMs: IN_FORCE_WITHIN_MS },
      );
      return row?.delay === node.replayDelayMs;
    },
    { timeoutMs: IN_FORCE_WITHIN_MS, everyMs: 100 },
  ).catch(() => undefined);
}

function namesOf(nodes: readonly PatroniNode[]): string[] {
  return nodes.map(({ name }) => name);
}
