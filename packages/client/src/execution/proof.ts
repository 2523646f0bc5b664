/**
 * Lets a replica serve what must not be older than a demand. It is asked how far it has replayed in a statement of its
 * own *before* those that read, in the same packet: their snapshots are taken later. Within one statement the snapshot
 * would be the older one, and the proof false (seen on a busy standby).
 *
 *   proven    nothing is asked
 *   asked     it holds what is demanded: the answers count. Otherwise they are thrown away, failures included: a table
 *             may be missing because its CREATE was not replayed yet
 *   waiting   it follows the right timeline and is behind: asked again, for a little while
 *   behind    the primary must serve it
 */
import type { QueryResult } from 'pg';
import type { EndpointLease } from '../endpoint/lease.ts';
import type { Demand } from '../policy/position.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { PositionRow } from '../wire/sql.ts';
import type { Statement } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import { rollBack } from './commit.ts';
import type { Execution } from './execution.ts';
import { pause } from './execution.ts';

export const CATCH_UP = {
  /** How long a read waits for a replica that is behind: most are, by a few milliseconds. */
  forMs: 100,
  firstPauseMs: 1,
  capMs: 20,
};

type Answers = readonly PromiseSettledResult<QueryResult>[];

/** @returns the answers to the statements, from a replica that meets the demand. */
export async function flushProven(
  statements: readonly Statement[],
  demand: Demand,
  lease: EndpointLease,
  deadline: Deadline,
  execution: Execution,
): Promise<Answers | 'behind'> {
  const { wire, replayed, hasLineage, pooled, peer } = lease.connection;
  const { laggards, clock } = execution;
  if (replayed.meets(demand)) return wire.flush(statements);
  // Behind a pooler the next transaction may run on another server than the one that was asked.
  if (!hasLineage || pooled || laggards.isBehind(peer, clock.now())) return 'behind';
  const [proof, ...answers] = await wire.flush([{ text: replayed.question(demand) }, ...statements]);
  if (proof?.status === 'fulfilled') replayed.learn(proof.value.rows[0] as PositionRow);
  if (!replayed.meets(demand)) {
    const { lostBecause } = wire;
    // Some may have been answered before it was lost; without the proof they count for nothing.
    if (lostBecause !== undefined) return answers.map(() => lost(lostBecause));
    if (wire.transactionStatus !== 'idle') await rollBack(wire);
    if (!(await catchesUp(demand, lease, deadline, execution))) {
      laggards.fellBehind(peer, clock.now());
      return 'behind';
    }
    laggards.caughtUp(peer);
    return wire.flush(statements);
  }
  laggards.caughtUp(peer);
  return answers;
}

function lost(cause: Error): PromiseRejectedResult {
  return { status: 'rejected', reason: new WireLostError(true, cause) };
}

async function catchesUp(
  demand: Demand,
  { connection }: EndpointLease,
  deadline: Deadline,
  { clock }: Execution,
): Promise<boolean> {
  const { wire, replayed } = connection;
  const end = clock.now() + CATCH_UP.forMs;
  for (let pauseMs = CATCH_UP.firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, CATCH_UP.capMs)) {
    // It would have to be turned round first.
    if (!replayed.follows(demand) || clock.now() + pauseMs > end) return false;
    await pause(pauseMs, clock, deadline);
    if (deadline.over) return false;
    try {
      const { rows } = await wire.query({ text: replayed.question(demand) });
      replayed.learn(rows[0] as PositionRow);
    } catch {
      return false;
    }
    if (replayed.meets(demand)) return true;
  }
}
