/**
 * What happens between the moment a connection is cut and the moment the client can ask a server again.
 *
 * A situation may also make something beforehand (`before`), so that the COMMIT which is cut meets it. While it
 * happens no address takes new connections.
 */
import type { Cluster, ClusterOptions, FaultName, FaultOptions } from '@schooldb/local-cluster';
import { ENGINES } from '../options/engine.ts';
import type { EngineName } from '../options/engine.ts';

export interface SituationScene {
  readonly engine: EngineName;
  readonly cluster: Cluster;
  /** Writes something that no caller waits for, so that servers which follow hold more than one that does not. */
  readonly writeNoise: () => Promise<void>;
  /** Lets clients connect again, before the situation is over. */
  readonly open: () => Promise<void>;
  readonly until: (what: string, holds: () => boolean | Promise<boolean>) => Promise<void>;
  /** Whether a backend waits for what another one holds. */
  readonly isAsking: () => Promise<boolean>;
}

/** With engine patroni the promotion comes when its lease is over, whatever this says. */
export type ClusterShape = Required<Pick<ClusterOptions, 'replicas' | 'synchronous' | 'promoteAfterMs'>>;

export interface Situation {
  readonly name: string;
  readonly what: string;
  /** Where it can be made. @defaultValue embedded */
  readonly engines?: readonly EngineName[];
  readonly cluster: ClusterShape;
  /** Cuts on the way to the server only, and behind each message: the answer to a COMMIT that waits never comes. */
  readonly upstreamOnly?: boolean;
  /** Callers get no server before this deadline, and have to be told that nobody knows. */
  readonly deadlineMs?: number;
  /** The cluster itself loses what it had acknowledged to whoever was not cut. */
  readonly losesAcknowledged?: boolean;
  /** Whoever has met nobody but the old primary may be served by it, and what that acknowledges by itself is lost. */
  readonly oldPrimaryAlive?: boolean;
  /** Made before the call begins. */
  readonly before?: (scene: SituationScene) => Promise<void>;
  readonly happen: (scene: SituationScene) => Promise<void>;
}

const SYNCHRONOUS = { replicas: 2, synchronous: true, promoteAfterMs: 50 } as const;
const NEVER_PROMOTED = { replicas: 2, synchronous: true, promoteAfterMs: false } as const;
const ASYNCHRONOUS = { replicas: 2, synchronous: false, promoteAfterMs: 50 } as const;

export const SITUATIONS: readonly Situation[] = [
  {
    name: 'nothing',
    what: 'nothing else happens',
    engines: ENGINES,
    cluster: SYNCHRONOUS,
    happen: () => Promise.resolve(),
  },
  {
    name: 'nobody-answers',
    what: 'no primary can be asked before the deadline; the token is settled later',
    engines: ENGINES,
    cluster: SYNCHRONOUS,
    deadlineMs: 400,
    happen: () => Promise.resolve(),
  },
  {
    name: 'restart',
    what: 'the primary is restarted cleanly',
    engines: ENGINES,
    cluster: NEVER_PROMOTED,
    happen: strike('restart'),
  },
  {
    name: 'crash-backend',
    what: 'one backend is killed: crash recovery in place, on the same timeline',
    engines: ENGINES,
    cluster: SYNCHRONOUS,
    happen: async ({ cluster, until }) => {
      const { id } = await cluster.fault('crash-backend');
      await until('the server takes connections again', async () => !(await isInForce(cluster, id)));
    },
  },
  {
    name: 'crash',
    what: 'the whole server is killed with what it had not flushed, and recovers',
    engines: ENGINES,
    cluster: { replicas: 0, synchronous: false, promoteAfterMs: 0 },
    happen: async ({ cluster, until }) => {
      await cluster.fault('kill-primary');
      await until('the server is back', async () => (await cluster.status()).primary !== null);
    },
  },
  {
    name: 'promotion',
    what: 'the primary is killed, a standby that holds everything is promoted',
    engines: ENGINES,
    cluster: SYNCHRONOUS,
    happen: killAndPromote,
  },
  {
    name: 'two-promotions',
    what: 'the primary is killed, and so is the next one',
    engines: ENGINES,
    cluster: SYNCHRONOUS,
    happen: async (scene) => {
      await killAndPromote(scene);
      await scene.until('a standby follows the first', async () =>
        (await scene.cluster.status()).servers.some(({ synchronous }) => synchronous),
      );
      await killAndPromote(scene);
    },
  },
  {
    name: 'switchover',
    what: 'the role moves to a standby as planned',
    engines: ENGINES,
    cluster: SYNCHRONOUS,
    happen: strike('switchover'),
  },
  {
    name: 'frozen',
    what: 'the primary is frozen, another one is promoted, and the old one wakes up',
    engines: ENGINES,
    cluster: SYNCHRONOUS,
    happen: async (scene) => {
      const { timeline } = await scene.cluster.status();
      const frozen = await scene.cluster.fault('freeze-primary');
      await newTimeline(scene, timeline);
      await frozen.undo();
    },
  },
  {
    name: 'recovered-in-place',
    what: 'the server is killed and its agent lives: recovery in single-user mode, then promotion of the same or another',
    engines: ['patroni'],
    cluster: SYNCHRONOUS,
    happen: async (scene) => {
      const { timeline } = await scene.cluster.status();
      await scene.cluster.fault('kill-primary', { keepAgent: true });
      await newTimeline(scene, timeline);
    },
  },
  {
    name: 'old-primary-alive',
    what: 'the primary is cut off and lives on, another one is promoted, and the address leads to either',
    engines: ENGINES,
    oldPrimaryAlive: true,
    cluster: SYNCHRONOUS,
    happen: async (scene) => {
      await cutOffAndPromote(scene);
      await scene.cluster.fault('two-masters');
    },
  },
  {
    name: 'commit-at-the-old-primary',
    what: 'the COMMIT reaches a primary that was replaced, lives on, and waits for standbys for ever',
    oldPrimaryAlive: true,
    cluster: SYNCHRONOUS,
    upstreamOnly: true,
    before: cutOffAndPromote,
    happen: () => Promise.resolve(),
  },
  {
    name: 'waiting-then-confirmed',
    what: 'the COMMIT waits for its standby, which comes back while the client is asking',
    engines: ENGINES,
    cluster: SYNCHRONOUS,
    upstreamOnly: true,
    before: strike('cut-replication'),
    happen: async ({ cluster, open, until, isAsking }) => {
      await open();
      await until('the client asks, or waits for its own COMMIT', isAsking);
      await cluster.undoAllFaults();
    },
  },
  {
    name: 'waiting-then-lost',
    what: 'the COMMIT waits for its standby, the primary dies, and nobody else has it',
    engines: ENGINES,
    cluster: SYNCHRONOUS,
    upstreamOnly: true,
    before: strike('cut-replication'),
    happen: killAndReplicate,
  },
  {
    name: 'commit-lost',
    losesAcknowledged: true,
    what: 'asynchronous: the commit is done, and lost with the primary',
    engines: ENGINES,
    cluster: ASYNCHRONOUS,
    before: strike('cut-replication'),
    happen: killAndReplicate,
  },
  {
    name: 'same-timeline-twice',
    losesAcknowledged: true,
    what: 'two standbys are promoted in turn, onto the same timeline number',
    engines: ENGINES,
    cluster: ASYNCHRONOUS,
    happen: async (scene) => {
      const { engine, cluster, writeNoise } = scene;
      const { primary, timeline, servers } = await cluster.status();
      const last = servers.find(({ name }) => name !== primary)!;
      await cluster.fault('cut-replication', { server: last.name });
      await writeNoise();
      await killAndPromote(scene);
      // Patroni brings the first victim back, and would promote it.
      if (engine === 'patroni') await cluster.fault('kill-agent', { server: primary! });
      await cluster.fault('kill-primary');
      await scene.until(
        `${last.name} is promoted`,
        async () => (await cluster.status()).primary === last.name,
      );
      const after = await cluster.status();
      if (after.timeline !== timeline! + 1)
        throw new Error(`${last.name} is on timeline ${after.timeline}, not on ${timeline! + 1} again`);
    },
  },
];

function strike(name: FaultName, options: FaultOptions = {}): Situation['happen'] {
  return async ({ cluster }) => {
    await cluster.fault(name, options);
  };
}

async function killAndPromote(scene: SituationScene): Promise<void> {
  const { timeline } = await scene.cluster.status();
  await scene.cluster.fault('kill-primary');
  await newTimeline(scene, timeline);
}

/** Under Patroni a primary that is cut off demotes itself: it lives on where its agent does not. */
async function cutOffAndPromote(scene: SituationScene): Promise<void> {
  const { timeline } = await scene.cluster.status();
  await scene.cluster.fault(scene.engine === 'patroni' ? 'freeze-agent' : 'partition');
  await newTimeline(scene, timeline);
}

/** What is written after the promotion finds standbys that confirm it. */
async function killAndReplicate(scene: SituationScene): Promise<void> {
  await killAndPromote(scene);
  await scene.cluster.undoAllFaults();
}

async function newTimeline({ cluster, until }: SituationScene, than: number | null): Promise<void> {
  await until('another server is primary', async () => {
    const { primary, timeline } = await cluster.status();
    return primary !== null && timeline !== null && timeline > than!;
  });
}

async function isInForce(cluster: Cluster, id: string): Promise<boolean> {
  return (await cluster.status()).faults.some((fault) => fault.id === id);
}

export function situationsOf(engine: EngineName): Situation[] {
  return SITUATIONS.filter(({ engines = ['embedded'] }) => engines.includes(engine));
}
