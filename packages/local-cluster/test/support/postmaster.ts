import type { Cluster } from '../../src/index.ts';
import { serverProcessesIn } from '../../src/process/process-table.ts';
import { directoryOf } from './leftovers.ts';

/** The process whose parent is none of the server's own. */
export function postmasterOf(cluster: Cluster, server: string | null): number {
  const processes = serverProcessesIn(`${directoryOf(cluster)}/${server}`);
  const pids = new Set(processes.map(({ pid }) => pid));
  const postmaster = processes.find(({ parent }) => !pids.has(parent));
  if (postmaster === undefined) throw new Error(`${server} does not run`);
  return postmaster.pid;
}
