import type { Verb } from '../http/request-log.ts';

/** Which requests a fault meets: all that are named must fit. */
export interface FaultMatch {
  readonly verb?: Verb | readonly Verb[];
  readonly group?: string;
  /** The plural, e.g. `services`. */
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** What happens to a request instead of its answer. */
export type FaultEffect =
  /** An error Status. 429 and 503 carry `Retry-After` if seconds are given. */
  | {
      readonly kind: 'status';
      readonly code: 409 | 410 | 429 | 500 | 503 | 504;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  /** No answer at all, until the client leaves. */
  | { readonly kind: 'hang' }
  /** The connection is cut before anything was done. */
  | { readonly kind: 'cut' }
  /** The request is carried out, and the connection cut in place of its answer. */
  | { readonly kind: 'lose-answer' }
  /** An admission webhook that nobody answers for, as before its controller is up. */
  | { readonly kind: 'webhook-refused'; readonly webhook: string; readonly url: string };

export interface Fault {
  readonly match: FaultMatch;
  readonly effect: FaultEffect;
  /** How many requests it meets before it is over. @defaultValue without end */
  readonly times?: number;
}

export interface FaultHandle {
  /** Requests that it has met so far. */
  readonly met: number;
  remove(): void;
}

export interface FaultyRequest {
  readonly verb: Verb;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** The faults in force; the one added first comes first. */
export class FaultBook {
  readonly #faults = new Set<{ readonly fault: Fault; met: number }>();

  add(fault: Fault): FaultHandle {
    const entry = { fault, met: 0 };
    this.#faults.add(entry);
    const remove = () => void this.#faults.delete(entry);
    return {
      get met() {
        return entry.met;
      },
      remove,
    };
  }

  clear(): void {
    this.#faults.clear();
  }

  /** The effect on a request, which counts as met. */
  meet(request: FaultyRequest): FaultEffect | undefined {
    for (const entry of this.#faults) {
      const { match, effect, times = Infinity } = entry.fault;
      if (!fits(match, request)) continue;
      entry.met += 1;
      if (entry.met >= times) this.#faults.delete(entry);
      return effect;
    }
    return undefined;
  }
}

function fits({ verb, ...fields }: FaultMatch, request: FaultyRequest): boolean {
  const verbs = verb === undefined ? undefined : [verb].flat();
  if (verbs !== undefined && !verbs.includes(request.verb)) return false;
  return Object.entries(fields).every(([field, value]) => request[field as keyof typeof fields] === value);
}
