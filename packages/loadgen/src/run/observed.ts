import type { ClusterEvent } from '@schooldb/local-cluster';
import type { LoadResult } from '../load/messages.ts';
import type { Attempt } from '../measure/outage.ts';
import type { ConnectionsSeen } from '../measure/server-watch.ts';
import type { FaultRecord } from './fault-runner.ts';

/** What the load and those who watched it found, before anything is judged. */
export interface Observed {
  load: LoadResult;
  faults: FaultRecord[];
  attempts: Attempt[];
  connections: ConnectionsSeen;
  events: ClusterEvent[];
  interrupted: boolean;
  /** When somebody else's fault began; null where there was none. */
  outsideFaultAt: number | null;
}
