/** How long things may take, and how often they are tried, in milliseconds. */
export interface Pace {
  /** One request, from the connection to the last byte of its answer. */
  readonly requestTimeoutMs: number;
  /** Requests for one purpose, the first included, before it is given up. */
  readonly attempts: number;
  /** The longest pause before the second attempt; it doubles from then on. */
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** One operation on the database, as an app would wait for it. */
  readonly databaseMs: number;
  /** Until another member leads, after the one that did was asked to go, or has died. */
  readonly takeoverMs: number;
  /** Between two looks at what is awaited. */
  readonly pollMs: number;
  /** How long a webhook may refuse to answer: right after its chart was installed it always does. */
  readonly webhookMs: number;
  /** How long a failure stands before it is believed: right after a change it may still be that of the time before. */
  readonly failedMs: number;
  /** How long each thing that is awaited may take. */
  readonly waitMs: {
    readonly chart: number;
    readonly definition: number;
    readonly database: number;
    readonly address: number;
    readonly claim: number;
    readonly job: number;
    readonly gone: number;
  };
}

const MINUTE_MS = 60_000;

/** Generous where images are pulled over a school's line. */
export const PACE: Pace = {
  requestTimeoutMs: 15_000,
  attempts: 6,
  backoffBaseMs: 500,
  backoffCapMs: 8_000,
  databaseMs: 15_000,
  takeoverMs: 3 * MINUTE_MS,
  pollMs: 1_000,
  webhookMs: 3 * MINUTE_MS,
  failedMs: MINUTE_MS / 2,
  waitMs: {
    chart: 15 * MINUTE_MS,
    definition: 2 * MINUTE_MS,
    database: 20 * MINUTE_MS,
    address: 3 * MINUTE_MS,
    claim: 2 * MINUTE_MS,
    job: 12 * MINUTE_MS,
    gone: 10 * MINUTE_MS,
  },
};

/**
 * The pause before the next attempt: exponential with full jitter, but never shorter than the server asks for.
 *
 * @param failures - in a row so far, 1 or more.
 * @param random - from 0 to 1.
 */
export function pauseMs(
  failures: number,
  { backoffBaseMs, backoffCapMs }: Pace,
  random: number,
  retryAfterMs = 0,
): number {
  const ceiling = Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(1, retryAfterMs, Math.round(random * ceiling));
}
