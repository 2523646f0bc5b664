/** What a caller was told of one call. */
export type Told =
  | { readonly kind: 'done' }
  /** The app's own SQL error, by its SQLSTATE: the database had refused it before anything was committed. */
  | { readonly kind: 'refused'; readonly code: string }
  /** An error of the client whose `outcome` says that nothing happened. */
  | { readonly kind: 'not-executed'; readonly reason: string }
  | {
      readonly kind: 'unknown';
      readonly reason: string;
      readonly token: string | undefined;
      readonly settled: Settled;
    }
  /** No answer, or something that is neither a result nor a typed error. */
  | { readonly kind: 'foreign'; readonly reason: string };

/** What the token of an unknown outcome was worth later; `no-token` where there was none. */
export type Settled = 'committed' | 'not-committed' | 'no-token' | 'failed';

/** What a call is to leave behind, and how it ends where nothing is in its way. */
export interface Expected {
  /** Rows of a call that is committed. */
  readonly rows: number;
  /** The SQLSTATE that the database answers with; null where it is to succeed. */
  readonly refusedWith: string | null;
}

/**
 * @param mayBeLost - the cluster itself may lose what it had acknowledged.
 * @returns in words what was untrue, or null.
 */
export function judge(expected: Expected, told: Told, rows: number, mayBeLost: boolean): string | null {
  const there = `${rows} of ${expected.rows} rows are there`;
  if (rows !== 0 && rows !== expected.rows) return `told ${told.kind}, and ${there}`;
  switch (told.kind) {
    case 'done':
      if (expected.refusedWith !== null) return `told done, although the database refuses it`;
      return rows === expected.rows || mayBeLost ? null : `told done, and ${there}`;
    case 'refused':
      if (told.code !== expected.refusedWith) return `told ${told.code}, which is none of the app's errors`;
      return rows === 0 ? null : `told ${told.code}, and ${there}`;
    case 'not-executed':
      return rows === 0 ? null : `told not executed (${told.reason}), and ${there}`;
    case 'foreign':
      return `neither a result nor a typed error: ${told.reason}`;
    case 'unknown':
      break;
  }
  return judgeSettled(expected, told.settled, rows, there);
}

/** A call that leaves no rows shows nothing of whether it was committed. */
function judgeSettled(expected: Expected, settled: Settled, rows: number, there: string): string | null {
  if (settled === 'failed') return 'told unknown, and its token could not be settled later';
  if (settled === 'no-token' || expected.rows === 0) return null;
  return (settled === 'committed') === rows > 0 ? null : `settled as ${settled}, and ${there}`;
}
