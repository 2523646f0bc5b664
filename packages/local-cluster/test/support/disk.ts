import { execFileSync } from 'node:child_process';
import type { Cluster } from '../../src/index.ts';
import { codeOf, queryOnce } from './clients.ts';

/** Writes WAL, until there is no segment for it. */
export async function exhaustWal(cluster: Cluster): Promise<void> {
  for (let round = 0; round < 400; round += 1) {
    const sql = "SELECT pg_logical_emit_message(true, 'fill', repeat('x', 1000000))";
    if ((await codeOf(queryOnce(cluster, sql, 'master', { ...cluster.superuser }))) === 'ECONNREFUSED')
      return;
  }
}

/** Whether this process may mount the disks of servers. */
export function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return process.platform === 'linux' && process.getuid?.() === 0;
  } catch {
    return false;
  }
}
