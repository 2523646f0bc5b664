/** What a schedule does to the cluster and the network, one function per kind of fault. */
import type { CommitStrike, FaultKind, FaultPlan } from '../schedule.ts';
import type { EndpointKind } from '../endpoints.ts';
import { SqlError } from '../protocol.ts';
import type { SimTime } from '../time.ts';
import type { Cluster } from './cluster.ts';
import type { Network } from './network.ts';
import type { Pooler } from './pooler.ts';
import type { Server } from './server.ts';
import type { Session } from './session.ts';

export interface Target {
  readonly time: SimTime;
  readonly cluster: Cluster;
  readonly network: Network;
  readonly poolers: readonly Pooler[];
}

/** Begins a fault. @returns what ends it; undefined where it is over at once or ends by itself. */
type Begin = (target: Target, plan: FaultPlan) => (() => void) | undefined;

const ADMIN = () => new SqlError('57P01', 'terminating connection due to administrator command', 'FATAL');

const BEGIN: Readonly<Record<FaultKind, Begin>> = {
  'kill-primary': ({ cluster }) => instantly(() => cluster.leader.listens && cluster.leader.kill()),
  'kill-standby': ({ cluster }, plan) =>
    instantly(() => {
      const server = standby(cluster, plan);
      if (server.listens) server.kill();
    }),
  'freeze-primary': ({ cluster }) => freeze(cluster.leader),
  'freeze-standby': ({ cluster }, plan) => freeze(standby(cluster, plan)),
  'frozen-postmaster': ({ cluster }) => {
    const server = cluster.leader;
    server.shutDoor();
    return () => server.openDoor();
  },
  'crash-backend': ({ cluster }) =>
    instantly(() => {
      if (cluster.leader.healthy) cluster.leader.crashRestart();
    }),
  'terminate-backends': ({ cluster }, plan) =>
    instantly(() => {
      const backends = cluster.leader.healthy ? cluster.leader.backends() : [];
      for (const backend of backends.slice(0, plan.nth)) backend.terminate(ADMIN());
    }),
  restart: ({ cluster }) =>
    instantly(() => {
      const server = cluster.leader;
      if (server.healthy) server.stop(() => server.start());
    }),
  switchover: ({ cluster }) => instantly(() => cluster.switchOver()),
  partition: ({ cluster }) => {
    const server = cluster.leader;
    cluster.isolate(server, true);
    return () => cluster.isolate(server, false);
  },
  'cut-replication': ({ cluster }, plan) => cutReplication(cluster, some(cluster, plan)),
  'isolate-standby': ({ cluster }, plan) => {
    const server = standby(cluster, plan);
    cluster.isolate(server, true);
    return () => cluster.isolate(server, false);
  },
  'cancel-sync-waits': ({ cluster }) =>
    instantly(() => cluster.leader.healthy && cluster.leader.sync.cancelAll()),
  lag: ({ cluster }, plan) => {
    const servers = plan.nth === undefined ? cluster.servers : [standby(cluster, plan)];
    for (const server of servers) server.replayLagMs = plan.size ?? 0;
    return () => {
      for (const server of servers) server.replayLagMs = 0;
    };
  },
  'slow-server': ({ cluster }, plan) => {
    const server = plan.nth === undefined ? cluster.leader : standby(cluster, plan);
    server.slowness = plan.size ?? 1;
    return () => (server.slowness = 1);
  },
  refuse: ({ network }, plan) => {
    network.refuse(endpoint(plan), true);
    return () => network.refuse(endpoint(plan), false);
  },
  reset: ({ network }, plan) => {
    const links = network.linksOf(endpoint(plan));
    if (plan.direction === 'toClient') {
      const hear = links.map((link) => link.cutUnheard());
      return () => hear.forEach((tellServer) => tellServer());
    }
    for (const link of links) link.cut();
    return undefined;
  },
  blackhole: ({ network }, plan) => {
    network.swallow(endpoint(plan), plan.direction ?? 'both');
    return () => network.swallow(endpoint(plan), undefined);
  },
  latency: ({ network }, plan) => {
    network.slow(endpoint(plan), plan.size ?? 0);
    return () => network.slow(endpoint(plan), 0);
  },
  'cut-packet': ({ network }, plan) => {
    network.cutNextPacket(endpoint(plan), plan.nth ?? 1);
    return () => network.cutNextPacket(endpoint(plan), undefined);
  },
  'late-commit': ({ network }, plan) => {
    network.delayNextCommit(endpoint(plan), plan.size ?? 0);
    return () => network.delayNextCommit(endpoint(plan), undefined);
  },
  'at-commit': (target, plan) => {
    setTrap(target, plan);
    return () => (target.cluster.commitTrap = undefined);
  },
  'stale-pooler': ({ poolers }) => {
    for (const pooler of poolers) pooler.stale = true;
    return () => {
      for (const pooler of poolers) pooler.stale = false;
    };
  },
  'pooler-down': ({ poolers }) => {
    for (const pooler of poolers) pooler.stop();
    return () => {
      for (const pooler of poolers) pooler.start();
    };
  },
};

/** Puts the faults on the clock. */
export function planFaults(target: Target, plans: readonly FaultPlan[], ended: () => void): void {
  for (const plan of plans) {
    target.time.after(plan.at, () => {
      target.cluster.observer.occurred(plan.kind);
      target.cluster.observer.note('fault', () => describeFault(plan));
      const end = BEGIN[plan.kind](target, plan);
      target.cluster.wake();
      target.time.after(plan.forMs, () => {
        if (end !== undefined) target.cluster.observer.note('fault', () => `${plan.kind} ends`);
        end?.();
        target.cluster.wake();
        ended();
      });
    });
  }
}

/** One line for people. */
export function describeFault({ kind, at: _at, ...rest }: FaultPlan): string {
  return `${kind} ${JSON.stringify(rest)}`;
}

function instantly(act: () => unknown): undefined {
  act();
  return undefined;
}

function endpoint(plan: FaultPlan): EndpointKind {
  return plan.endpoint ?? 'master';
}

function standby(cluster: Cluster, plan: FaultPlan): Server {
  const { standbys } = cluster;
  return standbys[(plan.nth ?? 0) % standbys.length]!;
}

function freeze(server: Server): (() => void) | undefined {
  if (!server.healthy) return undefined;
  server.freeze();
  return () => server.thaw();
}

/** The standby that the plan names, or all of them. */
function some(cluster: Cluster, plan: FaultPlan): readonly Server[] {
  return plan.nth === undefined ? cluster.standbys : [standby(cluster, plan)];
}

function cutReplication(cluster: Cluster, standbys: readonly Server[] = cluster.standbys): () => void {
  for (const server of standbys) cluster.cutReplication(server, true);
  return () => {
    for (const server of standbys) cluster.cutReplication(server, false);
  };
}

function setTrap({ cluster }: Target, plan: FaultPlan): void {
  let left = plan.nth ?? 1;
  cluster.commitTrap = (phase, server, session) => {
    if (phase !== plan.phase || server !== cluster.leader) return;
    left -= 1;
    if (left > 0) return;
    cluster.commitTrap = undefined;
    cluster.observer.occurred(`${plan.strike}-at-commit-${phase}`);
    cluster.observer.note('fault', () => `${plan.strike} at commit ${phase}`);
    strike(plan.strike ?? 'cut', { cluster, server, session });
    cluster.wake();
  };
}

interface Struck {
  readonly cluster: Cluster;
  readonly server: Server;
  readonly session: Session;
}

function strike(kind: CommitStrike, { cluster, server, session }: Struck): void {
  const { time } = cluster;
  switch (kind) {
    case 'kill':
      server.kill();
      break;
    case 'freeze':
      server.freeze();
      cluster.healLater(cluster.dice.between(500, 20_000), () => server.thaw());
      break;
    case 'crash':
      server.crashRestart();
      break;
    case 'cut':
      session.cutLink();
      break;
    case 'blackhole':
      cluster.healLater(cluster.dice.between(1_000, 25_000), session.swallowLink());
      break;
    case 'terminate':
      // The session is in the middle of it: the order arrives a moment later.
      time.after(cluster.dice.between(0, 2), () => session.terminate(ADMIN()));
      break;
    case 'cut-replication': {
      const heal = cutReplication(cluster);
      cluster.healLater(cluster.dice.between(500, 10_000), heal);
      break;
    }
    case 'cut-and-cancel': {
      // The worst that can befall a synchronous commit: nobody has it, its client is gone, and its wait is given up.
      const heal = cutReplication(cluster);
      session.cutLink();
      const cancel = () => server.listens && server.sync.cancelAll();
      for (const ms of [50, 400, 1_500]) time.after(ms, cancel);
      cluster.healLater(2_000, () => {
        if (server.listens && cluster.dice.chance(0.7)) server.kill();
      });
      cluster.healLater(cluster.dice.between(4_000, 10_000), heal);
    }
  }
}
