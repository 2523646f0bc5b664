import type { Cluster, ClusterEvent, ClusterEventType } from '../../src/index.ts';
import { eventually } from './clients.ts';

/** Remembers what a cluster reports. */
export class EventLog {
  readonly all: ClusterEvent[] = [];

  constructor(cluster: Cluster) {
    cluster.on((event) => this.all.push(event));
  }

  /** The first event of that type since `since`, as soon as it is there. */
  next(
    type: ClusterEventType,
    { server, since = 0, timeoutMs }: { server?: string; since?: number; timeoutMs?: number } = {},
  ): Promise<ClusterEvent> {
    return eventually(
      () =>
        this.all.find(
          (event) =>
            event.type === type && event.at >= since && (server === undefined || event.server === server),
        ),
      timeoutMs,
    );
  }
}

/** Resolves when every server runs and all but one follow the primary. */
export async function healthy(cluster: Cluster): Promise<void> {
  try {
    await eventually(async () => {
      const { servers, primary, faults } = await cluster.status();
      const standbys = servers.filter(({ name }) => name !== primary);
      const follow = standbys.every(({ state, synchronous }) => state === 'running' && synchronous);
      return primary !== null && faults.length === 0 && follow;
    });
  } catch (error) {
    const lines = (await cluster.history())
      .slice(-20)
      .map(({ at, type, detail }) => `${at} ${type} ${detail}`);
    throw new Error(`not healthy: ${JSON.stringify(await cluster.status())}\n${lines.join('\n')}`, {
      cause: error,
    });
  }
}
