import type { QueryResult } from 'pg';
import type { Connection } from '../endpoint/connection.ts';
import type { Demand, Position } from '../policy/position.ts';
import { ASK_REPLAYED_AND_LINEAGE, POSITION_FLUSHED, POSITION_INSERTED } from '../wire/sql.ts';
import type { PositionRow } from '../wire/sql.ts';
import type { Statement } from '../wire/wire.ts';

/** What the reads of one caller must not miss, and what its operations tell for that. */
export interface Causality {
  /**
   * What a replica must hold to serve a read now: `nothing`, or at least this. `primary`: none can be told to hold it.
   *
   * @param systemId - of the cluster that would be read; undefined where it is not known yet.
   */
  demand(systemId: string | undefined): Demand | 'nothing' | 'primary';
  /** The newest that it has written or read, where that is followed. */
  readonly newest: Position | undefined;
  /** Whether later reads must not be older than what is read: replicas are asked behind each read, then. */
  readonly followsReads: boolean;
  /**
   * To be called when a statement is sent to the primary.
   *
   * @returns to be called once it has succeeded, with where the primary stands behind it (undefined where that was
   * lost); undefined where nobody wants to know.
   */
  expect(of: 'read' | 'write'): ((position: Position | undefined) => void) | undefined;
  /** Something was read on a replica that holds no more than this. Undefined: it could not tell. */
  saw(position: Position | undefined): void;
}

/** The question where the primary stands, to be sent behind a statement in the same packet. */
export interface PositionQuestion {
  /** None where nobody wants to know. */
  readonly statements: readonly Statement[];
  /** To be called once that statement has succeeded, and only then. */
  answered(answer: PromiseSettledResult<QueryResult> | undefined): void;
}

export function questionBehind(
  of: 'read' | 'write',
  causality: Causality,
  connection: Connection,
): PositionQuestion {
  const learned = causality.expect(of);
  if (learned === undefined) return { statements: [], answered: () => {} };
  return {
    statements: [{ text: of === 'read' ? POSITION_INSERTED : POSITION_FLUSHED }],
    answered: (answer) => learned(positionIn(answer, connection)),
  };
}

/** The same behind what was read on a replica: how far it is by then. */
export function questionWhatWasSeen(causality: Causality, connection: Connection): PositionQuestion {
  if (!causality.followsReads) return { statements: [], answered: () => {} };
  // Another server might answer.
  if (connection.pooled) return { statements: [], answered: () => causality.saw(undefined) };
  return {
    statements: [{ text: ASK_REPLAYED_AND_LINEAGE }],
    answered: (answer) => causality.saw(positionIn(answer, connection)),
  };
}

/** @returns undefined where the answer does not say. */
export function positionIn(
  answer: PromiseSettledResult<QueryResult> | undefined,
  { identity, pooled }: Connection,
): Position | undefined {
  if (answer?.status !== 'fulfilled') return undefined;
  const { lsn, timeline } =
    (answer.value as QueryResult<PositionRow & Record<string, unknown>>).rows[0] ?? {};
  if (typeof lsn !== 'string' || typeof timeline !== 'number') return undefined;
  // A pooler may have asked another server than the one that has just committed, an older one at that.
  if (pooled && timeline < (identity.timeline ?? 0)) return undefined;
  return { systemId: identity.systemId, timeline, lsn: BigInt(lsn) };
}
