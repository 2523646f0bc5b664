import type { Cluster } from '@schooldb/local-cluster';
import type { PoolConfig } from 'pg';

export const CLUSTER = { replicas: 2, promoteAfterMs: 300 } as const;

/** What an app has in its configuration. */
export function configOf({
  endpoints,
  database,
  user,
  password,
  ca,
}: Pick<Cluster, 'endpoints' | 'database' | 'user' | 'password' | 'ca'>): PoolConfig & { max: number } {
  return { ...endpoints.master, database, user, password, ssl: { ca }, max: 5 };
}

const BEFORE = 15;
const AFTER = 15;
const LIMIT_MS = 60_000;
const PAUSE_MS = 100;

/**
 * Does `work` with 1, 2, 3 … and kills the primary in the middle. What fails is done again with the same number, as an
 * app does that has given its work a key.
 *
 * @returns the last number.
 */
export async function workThrough(
  cluster: Pick<Cluster, 'status' | 'fault'>,
  work: (number: number) => Promise<unknown>,
): Promise<number> {
  const { timeline } = await cluster.status();
  let kill: Promise<unknown> | undefined;
  for (let number = 1, since = 0; ; number += 1) {
    if (number === BEFORE) kill = cluster.fault('kill-primary');
    await again(() => work(number));
    if (kill === undefined) continue;
    const now = await cluster.status();
    if (now.primary !== null && now.timeline! > timeline!) since += 1;
    if (since <= AFTER) continue;
    await kill;
    return number;
  }
}

async function again(work: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await pause(PAUSE_MS);
    }
  }
}

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`still waiting after ${LIMIT_MS} ms: ${what}`);
    await pause(PAUSE_MS);
  }
}

/** 1, 2, 3 … up to `last`. */
export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
