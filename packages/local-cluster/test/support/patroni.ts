import { vi } from 'vitest';
import { findPrograms, HOW_TO_GET_PATRONI } from '../../src/engine/patroni/programs.ts';
import type { Cluster, ClusterEvent } from '../../src/index.ts';
import { eventually } from './clients.ts';

/** A failover takes 20 s and more, three times as long on a busy machine. */
export const FAILOVER_MS = 180_000;
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const installed = await findPrograms({ version: 'any' }).then(
  () => true,
  () => false,
);
/** In CI they fail instead of being skipped. */
export const patroniSkipped = !installed && process.env['CI'] === undefined;

/** The name of a suite, with the reason where it is skipped. */
export function patroniSuite(name: string): string {
  return patroniSkipped ? `${name} (skipped: ${HOW_TO_GET_PATRONI})` : name;
}

/** Resolves when every server runs and follows, Patroni could promote one of them, and the addresses lead there. */
export async function healthyUnderPatroni(cluster: Cluster): Promise<void> {
  try {
    await eventually(async () => {
      const { servers, primary, timeline, virtualIps, faults } = await cluster.status();
      const standbys = servers.filter(({ name }) => name !== primary);
      const follow = standbys.every(
        (server) => server.state === 'running' && server.role === 'standby' && server.timeline === timeline,
      );
      const backendsOf = (kind: string) =>
        virtualIps.find((address) => address.kind === kind)?.backends ?? [];
      return (
        primary !== null &&
        faults.length === 0 &&
        follow &&
        standbys.some(({ synchronous }) => synchronous) &&
        backendsOf('master').join() === primary &&
        backendsOf('replica').length === standbys.length
      );
    }, FAILOVER_MS);
  } catch (error) {
    const lines = (await cluster.history()).slice(-20).map(describeEvent);
    throw new Error(`not healthy: ${JSON.stringify(await cluster.status())}\n${lines.join('\n')}`, {
      cause: error,
    });
  }
}

function describeEvent({ at, type, detail }: ClusterEvent): string {
  return `${at} ${type} ${detail}`;
}
