import { ClusterError } from '../../errors.ts';
import type { FaultOptions } from '../../faults/fault.ts';
import { waitFor } from '../../process/wait.ts';
import type { Announce, Effect, Engine } from '../engine.ts';
import { CONTROL } from './network.ts';
import type { PatroniNode } from './patroni-node.ts';
import { resume } from './resume.ts';
import type { PatroniScene } from './scene.ts';

/** Agents hear of a change within a loop of theirs. */
const KNOWN_WITHIN_MS = 20_000;
const ORDER_MS = 5_000;

/** Faults of Patroni itself and of etcd. */
export function agentFaults(scene: PatroniScene): Engine['faults'] {
  let etcdLosses = 0;
  return {
    'kill-agent': (options, announce) => killAgent(scene, options, announce),
    'freeze-agent': (options, announce) => freezeAgent(scene, options, announce),
    'cut-etcd': (options, announce) => cutEtcd(scene, options, announce),
    'lose-etcd': async (_options, announce) => {
      announce('etcd');
      etcdLosses += 1;
      await scene.etcd.kill();
      return {
        undo: async () => {
          etcdLosses -= 1;
          if (etcdLosses === 0) await scene.etcd.start();
        },
      };
    },
    pause: (_options, announce) => pause(scene, announce),
  };
}

async function cutEtcd(scene: PatroniScene, options: FaultOptions, announce: Announce): Promise<Effect> {
  const node = nodeOf(scene, 'cut-etcd', options);
  announce(node.name);
  const [cutAt, hadLease] = [performance.now(), scene.primary === node];
  const heal = scene.network.cut(({ from, to }) => from === node.name && to === CONTROL);
  return {
    undo: async () => {
      if (hadLease) await resume(scene, node, cutAt, { goOn: heal, end: () => node.killAgent() });
      else heal();
    },
  };
}

async function killAgent(scene: PatroniScene, options: FaultOptions, announce: Announce): Promise<Effect> {
  const node = nodeOf(scene, 'kill-agent', options);
  announce(node.name);
  scene.keepDown(node);
  await node.killAgent();
  return { undo: () => scene.letUp(node) };
}

async function freezeAgent(scene: PatroniScene, options: FaultOptions, announce: Announce): Promise<Effect> {
  const node = nodeOf(scene, 'freeze-agent', options);
  if (!node.agentRuns) {
    throw new ClusterError('fault-failed', `freeze-agent: the agent of ${node.name} is not running`);
  }
  announce(node.name);
  const frozenAt = performance.now();
  await node.freezeAgent();
  return {
    undo: async () => {
      // Killed meanwhile, it is not frozen any more.
      if (!node.agentFrozen) return;
      await resume(scene, node, frozenAt, { goOn: () => node.thawAgent(), end: () => node.killAgent() });
    },
  };
}

async function pause(scene: PatroniScene, announce: Announce): Promise<Effect> {
  announce('patroni');
  await setPaused(scene, true);
  return { undo: () => setPaused(scene, null) };
}

/** Resolves when every agent that answers knows. */
async function setPaused(scene: PatroniScene, paused: true | null): Promise<void> {
  let accepted = false;
  for (const { agent } of scene.nodes) {
    const reply = await agent.order('PATCH', '/config', { pause: paused }, ORDER_MS).catch(() => undefined);
    accepted ||= reply?.status === 200;
    if (accepted) break;
  }
  if (!accepted) throw new ClusterError('fault-failed', 'pause: no agent takes orders, or etcd is lost');
  await waitFor(
    () => scene.nodes.every(({ answer }) => answer === undefined || answer.paused === (paused === true)),
    { timeoutMs: KNOWN_WITHIN_MS },
  );
}

function nodeOf(scene: PatroniScene, fault: string, { server = 'primary' }: FaultOptions): PatroniNode {
  if (server === 'primary') return scene.requirePrimary(fault);
  const node = scene.nodes.find(({ name }) => name === server);
  if (node !== undefined) return node;
  const known = scene.nodes.map(({ name }) => name).join(', ');
  throw new ClusterError('fault-failed', `${fault}: there is no server ${server} (servers: ${known})`);
}
