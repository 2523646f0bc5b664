import type { QueryResult } from 'pg';
import type { EndpointLease } from '../endpoint/lease.ts';
import type { Demand } from '../policy/position.ts';
import { meets } from '../policy/position.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { ASK_REPLAYED_AND_LINEAGE, BEGIN_READ_BY_READ } from '../wire/sql.ts';
import type { Statement } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd } from './attempt.ts';
import { againOrThrow } from './attempt.ts';
import type { Causality } from './causality.ts';
import { positionIn } from './causality.ts';
import type { Execution } from './execution.ts';
import { verdictOn } from './failure.ts';
import { flushProven } from './proof.ts';

/** What is asked behind a read where later reads must not be older: how far the replica is by then. */
const SEEN: Statement = { text: ASK_REPLAYED_AND_LINEAGE };

interface ReplicaRead {
  readonly statement: Statement;
  readonly demand: Demand;
  readonly causality: Causality;
}

/** One read on a replica, which must hold what is demanded. */
export async function attemptReplicaRead(
  read: ReplicaRead,
  lease: EndpointLease,
  deadline: Deadline,
  execution: Execution,
): Promise<AttemptEnd<QueryResult>> {
  const send = lease.connection.pooled ? sendThroughPooler : sendDirectly;
  const answers = await send(read, lease, deadline, execution);
  if (answers === 'behind') return behind(lease);
  const [answer, seen] = answers;
  if (answer?.status === 'fulfilled') {
    if (read.causality.followsReads) read.causality.saw(positionIn(seen, lease.connection));
    return { state: 'done', value: answer.value };
  }
  const error: unknown = answer?.reason;
  const verdict = verdictOn(error, 'sent', 'read');
  if (deadline.over && error instanceof WireLostError)
    throw deadline.error('a statement was running', verdict.outcome, error);
  return againOrThrow(error, verdict, lease, execution.clock);
}

/** The end of an attempt for which the replica does not hold enough: the next one is made on the primary. */
export function behind({ endpoint }: EndpointLease): AttemptEnd<never> {
  return { state: 'behind', cause: new Error(`${endpoint}: the server behind it does not hold enough yet`) };
}

type Answers = readonly PromiseSettledResult<QueryResult>[] | 'behind';

function sendDirectly(
  { statement, demand, causality }: ReplicaRead,
  lease: EndpointLease,
  deadline: Deadline,
  execution: Execution,
): Promise<Answers> {
  return flushProven(
    causality.followsReads ? [statement, SEEN] : [statement],
    demand,
    lease,
    deadline,
    execution,
  );
}

/**
 * Each transaction may run on another server: question and read share one. There is no waiting, because nobody can
 * say which server would be asked next.
 */
async function sendThroughPooler(
  { statement, demand, causality }: ReplicaRead,
  { connection }: EndpointLease,
): Promise<Answers> {
  const { wire } = connection;
  if (!connection.hasLineage) return 'behind';
  const seen = causality.followsReads ? [SEEN] : [];
  const [, proof, answer, ...rest] = await wire.flush([
    { text: BEGIN_READ_BY_READ },
    SEEN,
    statement,
    ...seen,
    { text: 'COMMIT' },
  ]);
  if (answer === undefined) return 'behind';
  if (wire.lostBecause !== undefined && answer.status === 'rejected') return [answer];
  const held = positionIn(proof, connection);
  return held !== undefined && meets(held, demand) ? [answer, ...rest] : 'behind';
}
