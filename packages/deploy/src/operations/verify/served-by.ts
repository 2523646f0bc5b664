import { tracingChannel } from 'node:diagnostics_channel';
import type { AttemptTrace } from '@schooldb/client';

const attempts = tracingChannel<AttemptTrace, AttemptTrace>('schooldb:attempt');

/** A result, and the endpoints that were tried for it, in this order: the last of them gave it. */
export interface Served<T> {
  readonly value: T;
  readonly by: readonly string[];
}

/**
 * The client goes elsewhere where an endpoint can't be used, as it should; here it matters who it was.
 *
 * @param operation - as the client calls it: `read`, `write`, …
 */
export async function servedBy<T>(operation: string, work: () => Promise<T>): Promise<Served<T>> {
  const by: string[] = [];
  const note = (message: unknown): void => {
    const trace = message as AttemptTrace;
    if (trace.operation === operation) by.push(trace.endpoint);
  };
  attempts.start.subscribe(note);
  try {
    return { value: await work(), by };
  } finally {
    attempts.start.unsubscribe(note);
  }
}
