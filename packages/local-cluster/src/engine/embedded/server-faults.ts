import { ClusterError } from '../../errors.ts';
import { waitFor } from '../../process/wait.ts';
import { crashBackend } from '../crash-backend.ts';
import { diskFull } from '../disk-full.ts';
import { OVER_AT_ONCE, type Announce, type Effect, type Engine } from '../engine.ts';
import { parseLsn } from '../lsn.ts';
import { markStandby } from './clone.ts';
import { readControlFile } from './control-file.ts';
import type { Member } from './member.ts';
import { askPosition } from './replication.ts';
import type { EmbeddedScene } from './scene.ts';

/** How long a planned switchover waits for the standby to hold the old primary's last word. */
const CAUGHT_UP_WITHIN_MS = 10_000;

/** Faults that strike the primary of the moment, or the server that they name. */
export function serverFaults(scene: EmbeddedScene): Engine['faults'] {
  return {
    'kill-primary': (_options, announce) => killPrimary(scene, announce),
    'freeze-primary': (_options, announce) => freezePrimary(scene, announce),
    'frozen-postmaster': (_options, announce) => freezePostmaster(scene, announce),
    'crash-backend': (_options, announce) => crashOneBackend(scene, announce),
    restart: (_options, announce) => restart(scene, announce),
    switchover: (_options, announce) => switchover(scene, announce),
    'disk-full': (options, announce) =>
      diskFull(
        scene.members.map((member) => ({ name: member.name, disk: member.server.disk, member })),
        scene.requirePrimary('disk-full').name,
        options,
        announce,
        ({ member }) => scene.startWhereLost(member),
      ),
  };
}

async function killPrimary(scene: EmbeddedScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('kill-primary');
  const vacancy = scene.vacate(primary);
  announce(primary.name);
  await primary.server.kill();
  await scene.reportLoss(primary, `${primary.name} was killed`);
  scene.failOver(vacancy);
  return hit(scene, primary, async () => {
    await scene.comeBack(primary, () => primary.server.start());
  });
}

async function freezePrimary(scene: EmbeddedScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('freeze-primary');
  const vacancy = scene.vacate(primary);
  announce(primary.name);
  await primary.server.freeze();
  await scene.reportLoss(primary, `${primary.name} is frozen`);
  scene.failOver(vacancy);
  return hit(scene, primary, async () => {
    const back = await scene.comeBack(primary, async () => {
      if (primary.server.state === 'frozen') primary.server.thaw();
      else await primary.server.start();
    });
    // Somebody else is primary: it must not wake up as a second one.
    if (!back) await primary.server.kill();
    primary.wake();
  });
}

/** The role stays where it is: nobody is promoted, and nobody tends standbys who would have to connect. */
async function freezePostmaster(scene: EmbeddedScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('frozen-postmaster');
  requirePostmaster('frozen-postmaster', primary);
  announce(primary.name);
  await primary.server.freezePostmaster();
  return {
    isOver: () => !primary.server.postmasterFrozen,
    undo: () => {
      primary.server.thawPostmaster();
      for (const member of scene.members) member.wake();
      return Promise.resolve();
    },
  };
}

/** The postmaster lives, so the primary is not lost; standbys connect again when it has recovered. */
async function crashOneBackend(scene: EmbeddedScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('crash-backend');
  requirePostmaster('crash-backend', primary);
  let over = false;
  const { recovered } = await crashBackend(primary.server, (pid) => announce(primary.name, `backend ${pid}`));
  void recovered.then(() => {
    over = true;
    for (const member of scene.members) member.wake();
    return scene.rolesChanged();
  });
  return { isOver: () => over, undo: () => Promise.resolve() };
}

/**
 * A fast shutdown and a start in place. The delay before a promotion runs from the moment the
 * server is down: when it is not back by then it is killed, and a standby is promoted.
 */
async function restart(scene: EmbeddedScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('restart');
  requirePostmaster('restart', primary);
  const vacancy = scene.vacate(primary);
  announce(primary.name);
  await primary.server.stop('fast');
  await scene.reportLoss(primary, `${primary.name} is restarted`);
  const { promoteAfterMs } = scene.options;
  const limited = promoteAfterMs !== false && scene.members.length > 1;
  const limit = limited ? AbortSignal.timeout(promoteAfterMs) : new AbortController().signal;
  try {
    await primary.server.start(limit);
  } catch (error) {
    if (!limit.aborted) throw error;
    await primary.server.kill();
    scene.failOver(vacancy, 0);
    return OVER_AT_ONCE;
  }
  await scene.takeBack(primary);
  return OVER_AT_ONCE;
}

/**
 * A fast shutdown sends everything, the last checkpoint included, to the standbys before the server
 * ends; the standby that has it takes over at once, and the old primary can follow it as it is.
 */
async function switchover(scene: EmbeddedScene, announce: Announce): Promise<Effect> {
  const primary = scene.requirePrimary('switchover');
  requirePostmaster('switchover', primary);
  requireReplication('switchover', scene, primary);
  const successor = await mostAdvancedFollower(scene);
  const vacancy = scene.vacate(primary);
  announce(primary.name);
  await primary.server.stop('fast');
  await scene.reportLoss(primary, `${primary.name} hands over to ${successor.name}`);
  await scene.tended();
  // One that replays late would hold the last word and not show it.
  await successor.server.delayReplay(0);
  const holds = await holdsLastWord(successor, primary);
  await scene.delays.apply(successor);
  if (!holds) {
    await primary.server.start();
    await scene.takeBack(primary);
    throw new ClusterError(
      'fault-failed',
      `switchover: ${successor.name} did not receive the last of ${primary.name}, which is primary again`,
    );
  }
  vacancy.promoting = true;
  await markStandby(primary.server.dataDirectory, scene.children.account);
  await scene.promote(successor, primary);
  return OVER_AT_ONCE;
}

/** The hit server is over it when it follows somebody, or is primary again. */
function hit(scene: EmbeddedScene, member: Member, undo: () => Promise<void>): Effect {
  return { undo, isOver: () => scene.reigns(member) || scene.follows(member) };
}

/** A postmaster that is stopped takes no orders, and is not stopped twice. */
function requirePostmaster(fault: string, { name, server }: Member): void {
  if (!server.postmasterFrozen) return;
  throw new ClusterError(
    'fault-failed',
    `${fault}: the postmaster of ${name} is frozen; undo frozen-postmaster first`,
  );
}

/** A fast shutdown waits until every connected standby has everything. */
function requireReplication(fault: string, { members, links }: EmbeddedScene, primary: Member): void {
  const cut = members.filter((member) => member !== primary && links.isCut(member.name, primary.name));
  if (cut.length === 0) return;
  const names = cut.map(({ name }) => name).join(' and ');
  throw new ClusterError(
    'fault-failed',
    `${fault}: replication to ${names} is cut; undo cut-replication or partition first`,
  );
}

async function mostAdvancedFollower(scene: EmbeddedScene): Promise<Member> {
  const followers = scene.members.filter((member) => scene.follows(member));
  const ranked = await Promise.all(
    followers.map(async (member) => ({
      member,
      lsn: (await askPosition(member.server))?.received ?? null,
    })),
  );
  const [best] = ranked
    .filter(({ lsn }) => lsn !== null)
    .toSorted((a, b) => Number(parseLsn(b.lsn ?? '0/0') - parseLsn(a.lsn ?? '0/0')));
  if (best === undefined)
    throw new ClusterError(
      'fault-failed',
      'switchover: no standby follows the primary; start with replicas of 1 or more, or wait for one',
    );
  return best.member;
}

async function holdsLastWord(standby: Member, primary: Member): Promise<boolean> {
  const { cleanShutdown, checkpoint } = await readControlFile(primary.server.dataDirectory);
  if (!cleanShutdown) return false;
  const holds = await waitFor(
    async () => {
      const answer = await askPosition(standby.server);
      return answer?.replayed != null && parseLsn(answer.replayed) > checkpoint;
    },
    { timeoutMs: CAUGHT_UP_WITHIN_MS },
  );
  return holds === true;
}
