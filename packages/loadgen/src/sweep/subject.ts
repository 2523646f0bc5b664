import { CommitOutcomeUnknownError, createSchoolDb, SchoolDbError } from '@schooldb/client';
import type { SchoolDb, SchoolDbOptions } from '@schooldb/client';
import { epochMs } from '../measure/clock.ts';
import { pause, within } from '../measure/pause.ts';
import type { Told } from './judge.ts';
import type { SweepOperation } from './operations.ts';

/** A call that does not end by its deadline is a finding, told this much later. */
const GRACE_MS = 30_000;
const SETTLE_WITHIN_MS = 60_000;
const WARM_WITHIN_MS = 60_000;
const TRY_AGAIN_MS = 100;
/** One connection for work and two for probes: nobody else's messages are counted. */
const MAX_CONNECTIONS = 3;

export type SweepEndpoint = 'master' | 'masterPooler';

/** One call under way. */
export interface Call {
  readonly id: number;
  /** Resolves when the call has ended, or the client has found that it can connect to nobody. */
  readonly cutOrEnded: Promise<'cut' | 'ended'>;
  readonly told: Promise<Told>;
  /** Whether its caller has been told. What follows its answer in the same packet may be cut off all the same. */
  readonly hasEnded: () => boolean;
}

/** One operation with a client of its own, so that its connection carries its messages alone. */
export class Subject {
  readonly operation: SweepOperation;
  readonly #options: SchoolDbOptions;
  #db: SchoolDb;

  constructor(operation: SweepOperation, options: Omit<SchoolDbOptions, 'maxConnections'>) {
    this.operation = operation;
    this.#options = { ...options, maxConnections: MAX_CONNECTIONS };
    this.#db = createSchoolDb(this.#options);
  }

  /** Holds a transaction until `held` resolves; `holds` is called once it has one. */
  async occupy(holds: () => void, held: Promise<void>): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await tx.query('SELECT 1');
      holds();
      await held;
    });
  }

  /** Whether it has a connection at the endpoint, and takes the endpoint to be up. */
  isAt(endpoint: SweepEndpoint): boolean {
    const { state, connections } = this.#db.health().endpoints[endpoint]!;
    return state === 'up' && connections.open > 0;
  }

  /** A client that has found a pooler wanting passes it by for a while: one that has seen nothing takes its place. */
  async renew(): Promise<void> {
    await this.#db.close();
    this.#db = createSchoolDb(this.#options);
  }

  begin(id: number, deadlineMs: number): Call {
    const down = Promise.withResolvers<'cut'>();
    const stopListening = this.#db.on('endpoint:down', () => down.resolve('cut'));
    let ended = false;
    const told = this.#tell(id, deadlineMs).finally(() => {
      ended = true;
      stopListening();
    });
    return {
      id,
      told,
      hasEnded: () => ended,
      cutOrEnded: Promise.race([down.promise, told.then(() => 'ended' as const)]),
    };
  }

  /** Asks about an unknown outcome as another process would: with a client that has not seen anything of it. */
  async settleLater(told: Told): Promise<Told> {
    if (told.kind !== 'unknown' || told.token === undefined) return told;
    const other = createSchoolDb(this.#options);
    try {
      return { ...told, settled: await other.settle(told.token, { deadlineMs: SETTLE_WITHIN_MS }) };
    } catch (error) {
      return { ...told, settled: 'failed', reason: `${told.reason}; ${textOf(error)}` };
    } finally {
      await other.close();
    }
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  async #tell(id: number, deadlineMs: number): Promise<Told> {
    try {
      await within(deadlineMs + GRACE_MS, 'an answer', this.operation.call(this.#db, id, { deadlineMs }));
      return { kind: 'done' };
    } catch (error) {
      return toldBy(error);
    }
  }
}

/**
 * Each subject has a connection at the endpoint, fit and idle.
 *
 * A pooler lends its server connections out for a transaction only, opens one at a time, and none while the master's
 * address is refused: each subject holds a transaction until all of them do, so that there is one for each.
 */
export async function warmUp(
  subjects: readonly Subject[],
  endpoint: SweepEndpoint,
  signal: AbortSignal,
): Promise<void> {
  const end = epochMs() + WARM_WITHIN_MS;
  for (;;) {
    // One that is not there yet is served elsewhere meanwhile, and holds nothing of the pooler's.
    const wereThere = subjects.every((subject) => subject.isAt(endpoint));
    await occupyTogether(subjects);
    const elsewhere = subjects.filter((subject) => !subject.isAt(endpoint));
    if (wereThere && elsewhere.length === 0) return;
    signal.throwIfAborted();
    if (epochMs() > end) throw new Error(`a client does not use ${endpoint} after ${WARM_WITHIN_MS} ms`);
    if (elsewhere.length === 0) continue;
    await Promise.all(elsewhere.map((subject) => subject.renew()));
    await pause(TRY_AGAIN_MS, signal);
  }
}

async function occupyTogether(subjects: readonly Subject[]): Promise<void> {
  const all = Promise.withResolvers<void>();
  const holding = new Set<Subject>();
  const occupied = subjects.map((subject) =>
    subject.occupy(() => {
      holding.add(subject);
      if (holding.size === subjects.length) all.resolve();
    }, all.promise),
  );
  try {
    await Promise.all(occupied);
  } finally {
    // One that cannot have a transaction keeps nobody else in his.
    all.resolve();
    await Promise.allSettled(occupied);
  }
}

function toldBy(error: unknown): Told {
  const reason = textOf(error);
  if (error instanceof CommitOutcomeUnknownError)
    return {
      kind: 'unknown',
      reason,
      token: error.token,
      settled: error.token === undefined ? 'no-token' : 'failed',
    };
  if (error instanceof SchoolDbError)
    return error.outcome === 'not-executed'
      ? { kind: 'not-executed', reason }
      : { kind: 'unknown', reason, token: undefined, settled: 'no-token' };
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)
    ? { kind: 'refused', code }
    : { kind: 'foreign', reason };
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
