import { open } from 'node:fs/promises';
import type { Cluster } from '@schooldb/local-cluster';
import { clusterBed } from '../bed/cluster-bed.ts';
import type { ClusterBed } from '../bed/cluster-bed.ts';
import type { Cleanup } from '../run/cleanup.ts';
import { LOG_SETTINGS, ServerLog } from './server-log.ts';

/** One primary and two standbys, as in the school's cluster. */
const REPLICAS = 2;

/** A cluster of the bench's own, synchronous, whose servers write down their connections. It goes with the cleanup. */
export async function benchBed(
  {
    promoteAfterMs,
    settings = {},
    signal,
  }: { promoteAfterMs: number; settings?: Record<string, string>; signal: AbortSignal },
  cleanup: Cleanup,
): Promise<ClusterBed> {
  const bed = await clusterBed({
    replicas: REPLICAS,
    synchronous: true,
    promoteAfterMs,
    settings: { ...LOG_SETTINGS, ...settings },
    signal,
  });
  cleanup.defer(() => bed.close());
  return bed;
}

/** The logs of all servers, read as far as they go. */
export class BedLogs {
  readonly #cluster: Cluster;
  readonly #logs = new Map<string, { log: ServerLog; offset: number }>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    for (const { name } of cluster.servers) this.#logs.set(name, { log: new ServerLog(), offset: 0 });
  }

  /** By the name of the server. */
  async read(): Promise<Map<string, ServerLog>> {
    for (const [name, entry] of this.#logs) {
      const file = await open(this.#cluster.logFileOf(name));
      try {
        const { size } = await file.stat();
        const { buffer, bytesRead } = await file.read({
          buffer: Buffer.alloc(size - entry.offset),
          position: entry.offset,
        });
        // Offsets count bytes, and what is cut lies in text that nobody reads: names of ours are plain ASCII.
        entry.log.add(buffer.toString('latin1', 0, bytesRead));
        entry.offset += bytesRead;
      } finally {
        await file.close();
      }
    }
    return new Map([...this.#logs].map(([name, { log }]) => [name, log]));
  }
}
