import { parseLsn } from '../lsn.ts';

/** What a standby says once its receiver is disconnected; undefined when it does not answer. */
export interface Answer {
  /** `pg_last_wal_receive_lsn()`: null until everything in its own directory is replayed. */
  received: string | null;
  /** `pg_last_wal_replay_lsn()` */
  replayed: string | null;
  /** It is cut off from the lost primary, so this is its last word. */
  disconnected: boolean;
}

export type Choice = { promote: string } | { blocked: string };

/**
 * Whom to promote.
 *
 * Synchronous: of several standbys any one may have confirmed a commit, so only the most advanced of
 * *all* that could have confirmed holds everything that was acknowledged; as long as one is missing
 * nobody can know. Asynchronous: the most advanced of those that answer.
 */
export function chooseStandby(
  answers: ReadonlyMap<string, Answer | undefined>,
  synchronous: boolean,
): Choice {
  const missing: string[] = [];
  let best: { name: string; position: bigint } | undefined;
  for (const [name, answer] of answers) {
    const position = positionOf(answer);
    if (position === undefined) missing.push(name);
    else if (best === undefined || position > best.position) best = { name, position };
  }
  if (synchronous && missing.length > 0) {
    return {
      blocked: `${missing.join(' and ')} may hold acknowledged commits and ${missing.length > 1 ? 'do' : 'does'} not answer`,
    };
  }
  if (best !== undefined) return { promote: best.name };
  if (missing.length > 0) return { blocked: `no standby answers (${missing.join(', ')})` };
  return {
    blocked: synchronous
      ? 'no standby is left that must hold every acknowledged commit'
      : 'no standby is left',
  };
}

/** How far a standby's WAL goes for certain; undefined as long as that can't be told. */
export function positionOf(answer: Answer | undefined): bigint | undefined {
  if (answer === undefined || !answer.disconnected || answer.received === null) return undefined;
  const received = parseLsn(answer.received);
  // After a restart `received` begins at a segment's start although more was replayed from the directory.
  const replayed = answer.replayed === null ? received : parseLsn(answer.replayed);
  return received > replayed ? received : replayed;
}
