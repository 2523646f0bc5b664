import { succeeded } from '../drivers/driver.ts';
import type { Answer, Failure, Outcome } from '../drivers/driver.ts';
import type { OperationKind } from '../workloads/workload.ts';
import { Gaps } from './gaps.ts';
import type { Gap } from './gaps.ts';
import { LatencyHistogram } from './histogram.ts';
import type { LatencySummary } from './histogram.ts';

export type Counts = Record<OperationKind, Record<Outcome, number>>;

export interface ErrorTally {
  kind: OperationKind;
  outcome: Outcome;
  code: string;
  /** Of the first of them. */
  message: string;
  n: number;
  firstAt: number;
  lastAt: number;
}

/** What happened within one second of the load. */
export interface Interval {
  /** Its end, milliseconds since 1970. */
  at: number;
  lengthMs: number;
  ok: number;
  errors: number;
  p50Ms: number | null;
  p99Ms: number | null;
  maxMs: number | null;
}

export interface KindLatency {
  /** From sent to done. */
  service: LatencySummary;
  /** From due to done: in a closed loop due is the last answer plus the think time. */
  response: LatencySummary;
  /** From sent to done of those that failed, in whatever way. */
  failed: LatencySummary;
}

export interface Measured {
  counts: Counts;
  errors: ErrorTally[];
  latency: Record<OperationKind, KindLatency>;
  gaps: readonly Gap[];
  /** The operation for which a caller waited longest, whatever came of it. */
  longestOperation: { kind: OperationKind; ms: number } | null;
}

interface Operation {
  kind: OperationKind;
  dueAt: number;
  sentAt: number;
}

/** From here on errors are told apart by their code alone: texts may hold anything. */
const MOST_ERROR_KINDS = 50;

const UNANSWERED: Failure = {
  outcome: 'unknown',
  code: 'UNANSWERED',
  message: 'no answer came before the generator stopped waiting',
};

/** Counts and times every operation, cheaply: 300 clients share the thread that does it. */
export class Recorder {
  readonly #pulse: OperationKind;
  readonly #gaps: Gaps;
  readonly #open = new Map<number, Operation>();
  readonly #counts: Counts = { read: noOutcomes(), write: noOutcomes() };
  readonly #errors = new Map<string, ErrorTally>();
  readonly #histograms = { read: newHistograms(), write: newHistograms() };
  readonly #interval = new LatencyHistogram();
  #intervalFrom: number;
  #intervalErrors = 0;
  #longest: { kind: OperationKind; ms: number } | null = null;

  constructor(pulse: OperationKind, startedAt: number) {
    this.#pulse = pulse;
    this.#gaps = new Gaps(startedAt);
    this.#intervalFrom = startedAt;
  }

  begin(client: number, operation: Operation): void {
    this.#open.set(client, operation);
  }

  end(client: number, answer: Answer, doneAt: number): void {
    const operation = this.#open.get(client);
    if (operation === undefined) return;
    this.#open.delete(client);
    const { kind, sentAt, dueAt } = operation;
    const histograms = this.#histograms[kind];
    const tookMs = doneAt - sentAt;
    this.#counts[kind][answer.outcome]++;
    if (tookMs > (this.#longest?.ms ?? 0)) this.#longest = { kind, ms: tookMs };
    if (!succeeded(answer)) {
      histograms.failed.record(tookMs);
      this.#intervalErrors++;
      this.#tally(kind, answer, doneAt);
      return;
    }
    histograms.service.record(tookMs);
    histograms.response.record(doneAt - dueAt);
    this.#interval.record(tookMs);
    if (kind === this.#pulse) this.#gaps.success(doneAt);
  }

  /** Ends what is still open as unanswered. What answers later is not counted any more. */
  giveUp(at: number): void {
    for (const client of this.#open.keys()) this.end(client, UNANSWERED, at);
  }

  /** Of the watched operation: the last success, and the gaps between successes that have ended so far. */
  pulse(): { lastSuccessAt: number; gaps: readonly Gap[] } {
    return { lastSuccessAt: this.#gaps.lastAt, gaps: this.#gaps.ended() };
  }

  counts(): Counts {
    return structuredClone(this.#counts);
  }

  /** Closes the running interval and starts the next. */
  nextInterval(at: number): Interval {
    const { n, p50Ms, p99Ms, maxMs } = this.#interval.summary();
    const interval = {
      at,
      lengthMs: at - this.#intervalFrom,
      ok: n,
      errors: this.#intervalErrors,
      p50Ms,
      p99Ms,
      maxMs,
    };
    this.#interval.reset();
    this.#intervalFrom = at;
    this.#intervalErrors = 0;
    return interval;
  }

  measured(endedAt: number): Measured {
    const latency = (kind: OperationKind): KindLatency => ({
      service: this.#histograms[kind].service.summary(),
      response: this.#histograms[kind].response.summary(),
      failed: this.#histograms[kind].failed.summary(),
    });
    return {
      counts: this.counts(),
      errors: [...this.#errors.values()].sort((a, b) => b.n - a.n),
      latency: { read: latency('read'), write: latency('write') },
      gaps: this.#gaps.until(endedAt),
      longestOperation: this.#longest,
    };
  }

  #tally(kind: OperationKind, failure: Failure, at: number): void {
    const { outcome, code, message } = failure;
    const exact = `${kind} ${outcome} ${code} ${message.replaceAll(/\d+/g, '#')}`;
    const key =
      this.#errors.has(exact) || this.#errors.size < MOST_ERROR_KINDS ? exact : `${kind} ${outcome} ${code}`;
    const tally = this.#errors.get(key);
    if (tally === undefined)
      this.#errors.set(key, { kind, outcome, code, message, n: 1, firstAt: at, lastAt: at });
    else {
      tally.n++;
      tally.lastAt = at;
    }
  }
}

function noOutcomes(): Record<Outcome, number> {
  return { ok: 0, 'ok-dedup': 0, unconfirmed: 0, fail: 0, unknown: 0 };
}

function newHistograms(): Record<'service' | 'response' | 'failed', LatencyHistogram> {
  return {
    service: new LatencyHistogram(),
    response: new LatencyHistogram(),
    failed: new LatencyHistogram(),
  };
}
