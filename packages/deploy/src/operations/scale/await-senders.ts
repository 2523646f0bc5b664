/** A new member needs a sender and a slot at the primary, and both settings take effect with a restart. */
import { setTimeout as pause } from 'node:timers/promises';
import type { SchoolDb } from '@schooldb/client';
import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { SendersObstacle } from '../../errors/operation-failure.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { Pace } from '../../kube/pace.ts';
import { readMembers } from '../members.ts';
import { reasonOf } from '../verify/database-clients.ts';

const SETTINGS = ['max_wal_senders', 'max_replication_slots'] as const;

export interface SendersContext {
  readonly kube: KubeApi;
  readonly lab: Lab;
  readonly pace: Pace;
  readonly db: SchoolDb;
  readonly signal: AbortSignal;
}

/**
 * Until no member waits for its restart, and the primary itself says that it has them.
 *
 * @throws DeployError when it takes too long; what the signal was aborted with.
 */
export async function awaitSenders(
  context: SendersContext,
  report: (obstacle: SendersObstacle) => void,
): Promise<void> {
  const { pace, signal } = context;
  const startedAt = performance.now();
  let told = '';
  for (;;) {
    const obstacle = await obstacleToSenders(context);
    if (obstacle === undefined) return;
    const passedMs = performance.now() - startedAt;
    if (passedMs > pace.waitMs.database)
      throw new DeployError({ code: 'senders-late', obstacle, seconds: Math.round(passedMs / 1_000) });
    const text = JSON.stringify(obstacle);
    if (text !== told) report(obstacle);
    told = text;
    await pause(pace.pollMs, undefined, { signal });
  }
}

async function obstacleToSenders({
  kube,
  lab,
  pace,
  db,
  signal,
}: SendersContext): Promise<SendersObstacle | undefined> {
  const pending = (await readMembers(kube, lab)).filter(({ needsRestart }) => needsRestart);
  if (pending.length > 0) return { is: 'restart-pending', pods: pending.map(({ pod }) => pod) };
  try {
    const { rows } = await db.write<{ name: string; setting: string }>(
      'SELECT name, setting FROM pg_settings WHERE name = ANY ($1)',
      [[...SETTINGS]],
      { safety: 'read', deadlineMs: pace.databaseMs, signal },
    );
    for (const setting of SETTINGS) {
      const value = Number(rows.find(({ name }) => name === setting)?.setting);
      const wanted = lab.cluster.parameters[setting];
      if (value < wanted) return { is: 'setting-small', setting, value, wanted };
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    // It is restarted just now.
    return { is: 'no-answer', reason: reasonOf(error) };
  }
}
