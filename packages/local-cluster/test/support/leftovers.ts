import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Address, Cluster } from '../../src/index.ts';
import {
  descendantsOf,
  isRunning,
  readProcess,
  serverProcessesIn,
  type ProcessId,
} from '../../src/process/process-table.ts';

/** The cluster's own directory, where its CA lies. */
export function directoryOf(cluster: Pick<Cluster, 'connectionString'>): string {
  return dirname(new URL(cluster.connectionString()).searchParams.get('sslrootcert') ?? '');
}

/** Everything a cluster consists of, as seen from outside while it runs. */
export interface Footprint {
  directory: string;
  processes: ProcessId[];
  addresses: Address[];
}

export function footprintOf(ownerPid: number, directory: string, addresses: Address[]): Footprint {
  const below = descendantsOf([ownerPid]);
  const processes = [...below, ...serverProcessesIn(directory)].flatMap(({ pid }) => readProcess(pid) ?? []);
  return { directory, processes, addresses };
}

/** What is left of it, in words. */
export async function leftoversOf({ directory, processes, addresses }: Footprint): Promise<string[]> {
  const left = processes.filter(isRunning).map(({ pid }) => `process ${pid}`);
  if (existsSync(directory)) left.push(directory);
  for (const address of addresses) if (await listens(address)) left.push(`port ${address.port}`);
  const makers = new Set(processes.map(({ pid }) => pid));
  for (const { segment, maker } of sharedMemory())
    if (makers.has(maker)) left.push(`shared memory ${segment}`);
  return left;
}

/** System V segments by the process that made them, where the tool for it exists. */
function sharedMemory(): { segment: number; maker: number }[] {
  if (process.platform !== 'linux') return [];
  const rows = execFileSync('ipcs', ['-m', '-p'], { encoding: 'utf8' }).split('\n');
  return rows.flatMap((row) => {
    const match = /^(\d+)\s+\S+\s+(\d+)\s+\d+/.exec(row);
    return match === null ? [] : [{ segment: Number(match[1]), maker: Number(match[2]) }];
  });
}

function listens(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
