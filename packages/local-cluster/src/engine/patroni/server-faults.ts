import { ClusterError, messageOf } from '../../errors.ts';
import type { FaultOptions } from '../../faults/fault.ts';
import { crashBackend } from '../crash-backend.ts';
import { diskFull } from '../disk-full.ts';
import { OVER_AT_ONCE, type Announce, type Effect, type Engine } from '../engine.ts';
import type { Reply } from './agent-client.ts';
import type { PatroniNode } from './patroni-node.ts';
import { resume } from './resume.ts';
import type { PatroniScene } from './scene.ts';

/** Patroni answers when it is done; a fast shutdown may wait for standbys. */
const ORDER_MS = 120_000;

/** Faults that strike the primary of the moment. */
export function serverFaults(scene: PatroniScene): Engine['faults'] {
  return {
    'kill-primary': (options, announce) => killPrimary(scene, options, announce),
    'freeze-primary': (_options, announce) => freezePrimary(scene, announce),
    'frozen-postmaster': (_options, announce) => freezePostmaster(scene, announce),
    'crash-backend': (_options, announce) => crashOneBackend(scene, announce),
    restart: (_options, announce) => restart(scene, announce),
    switchover: (_options, announce) => switchover(scene, announce),
    // Once there is room its agent starts it again.
    'disk-full': (options, announce) =>
      diskFull(scene.nodes, scene.requirePrimary('disk-full').name, options, announce, () =>
        Promise.resolve(),
      ),
  };
}

async function killPrimary(
  scene: PatroniScene,
  { keepAgent = false }: FaultOptions,
  announce: Announce,
): Promise<Effect> {
  const primary = scene.requirePrimary('kill-primary');
  const outgoing = primary.postmaster()?.pid;
  announce(primary.name);
  if (keepAgent) {
    await primary.killServer();
    scene.lose(primary, `${primary.name} was killed`, outgoing);
    // Patroni brings it back, or somebody else.
    return { isOver: () => scene.isBack(primary), undo: () => Promise.resolve() };
  }
  scene.keepDown(primary);
  await primary.kill();
  scene.lose(primary, `${primary.name} was killed, and its agent`, outgoing);
  scene.startAfterFailover(primary);
  return { isOver: () => scene.isBack(primary), undo: () => scene.letUp(primary) };
}

async function freezePrimary(scene: PatroniScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('freeze-primary');
  announce(primary.name);
  const frozenAt = performance.now();
  await primary.freeze();
  scene.lose(primary, `${primary.name} is frozen`);
  return {
    isOver: () => !primary.frozen && scene.isBack(primary),
    undo: async () => {
      // Killed meanwhile, it is not frozen any more.
      if (!primary.frozen) return;
      await resume(scene, primary, frozenAt, { goOn: () => primary.thaw(), end: () => primary.kill() });
    },
  };
}

/** The agent keeps its connection, and so the role stays. */
async function freezePostmaster(scene: PatroniScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('frozen-postmaster');
  requirePostmaster('frozen-postmaster', primary);
  announce(primary.name);
  await primary.freezePostmaster();
  return {
    isOver: () => !primary.postmasterFrozen,
    undo: () => {
      primary.thawPostmaster();
      return Promise.resolve();
    },
  };
}

async function crashOneBackend(scene: PatroniScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('crash-backend');
  requirePostmaster('crash-backend', primary);
  let over = false;
  const { recovered } = await crashBackend(primary, (pid) => announce(primary.name, `backend ${pid}`));
  void recovered.then(() => (over = true));
  return { isOver: () => over, undo: () => Promise.resolve() };
}

async function restart(scene: PatroniScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('restart');
  requirePostmaster('restart', primary);
  announce(primary.name);
  scene.lose(primary, `${primary.name} is restarted`, primary.postmaster()?.pid);
  try {
    await order('restart', primary, '/restart', {});
  } catch (error) {
    scene.stays();
    throw error;
  }
  await scene.untilPrimary('restart', () => true);
  return OVER_AT_ONCE;
}

async function switchover(scene: PatroniScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('switchover');
  requirePostmaster('switchover', primary);
  announce(primary.name);
  await order('switchover', primary, '/switchover', { leader: primary.name });
  await scene.untilPrimary('switchover', (node) => node !== primary);
  return OVER_AT_ONCE;
}

async function order(fault: string, node: PatroniNode, path: string, body: object): Promise<void> {
  let reply: Reply;
  try {
    reply = await node.agent.order('POST', path, body, ORDER_MS);
  } catch (error) {
    throw new ClusterError(
      'fault-failed',
      `${fault}: the agent of ${node.name} does not answer (${messageOf(error)})`,
      { cause: error },
    );
  }
  if (reply.status === 200) return;
  throw new ClusterError('fault-failed', `${fault}: Patroni refuses (${reply.status}): ${reply.text.trim()}`);
}

/** A postmaster that is stopped takes no orders, and is not stopped twice. */
function requirePostmaster(fault: string, node: PatroniNode): void {
  if (!node.postmasterFrozen) return;
  throw new ClusterError(
    'fault-failed',
    `${fault}: the postmaster of ${node.name} is frozen; undo frozen-postmaster first`,
  );
}
