import { CommitOutcomeUnknownError, createSchoolDb, SchoolDbError } from '@schooldb/client';
import type { SchoolDb, SchoolDbOptions } from '@schooldb/client';
import { epochMs } from '../measure/clock.ts';
import { pause, within } from '../measure/pause.ts';
import type { Told } from './judge.ts';
import type { SweepOperation } from './operations.ts';

/** A call that does not end by its deadline is a finding; until then it may need all of the client's own minute. */
const LATEST_MS = 90_000;
const SETTLE_WITHIN_MS = 60_000;
const WARM_WITHIN_MS = 60_000;
/**
 * A pooler lends its server connections out for a transaction only: all subjects at once hold one for so long, so that
 * it has one for each of them. It opens one at a time, and none while the master's address is refused.
 */
const OCCUPY_POOLER = 'SELECT pg_sleep(0.3)';
const TRY_AGAIN_MS = 100;
/** One connection for work and two for probes: nobody else's messages are counted. */
const MAX_CONNECTIONS = 3;

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

  /**
   * Has a connection at the endpoint, fit and idle. A client that has found a pooler wanting passes it by for a while:
   * one that has seen nothing takes its place.
   */
  async warmUp(endpoint: 'master' | 'masterPooler', signal: AbortSignal): Promise<void> {
    const end = epochMs() + WARM_WITHIN_MS;
    for (;;) {
      await this.#db.write(endpoint === 'masterPooler' ? OCCUPY_POOLER : 'SELECT 1', [], { safety: 'read' });
      const { state, connections } = this.#db.health().endpoints[endpoint]!;
      if (state === 'up' && connections.open > 0) return;
      signal.throwIfAborted();
      if (epochMs() > end) throw new Error(`the client does not use ${endpoint} after ${WARM_WITHIN_MS} ms`);
      await this.#db.close();
      this.#db = createSchoolDb(this.#options);
      await pause(TRY_AGAIN_MS, signal);
    }
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
      await within(LATEST_MS, 'an answer', this.operation.call(this.#db, id, { deadlineMs }));
      return { kind: 'done' };
    } catch (error) {
      return toldBy(error);
    }
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
