import type { SessionLease } from '../endpoint/lease.ts';
import { Deadline } from '../runtime/deadline.ts';
import { leaseChannel, operationChannel, traced } from '../runtime/diagnostics.ts';
import type { LeaseTrace } from '../runtime/diagnostics.ts';
import type { HeldConnectionContext } from './held-connection.ts';
import { HeldConnection } from './held-connection.ts';

export interface Loan {
  /** For events and errors. */
  readonly name: string;
  readonly route: (deadline: Deadline) => Promise<SessionLease>;
  /** For getting the connection. How long it is held is the borrower's affair. */
  readonly deadlineMs: number;
  /** End the loan at any moment. */
  readonly signals: readonly AbortSignal[];
  /** A sign of life is asked for after this time of silence, in milliseconds; `false`: never. */
  readonly heartbeatMs: number | false;
}

/**
 * Lends a connection to `use` and takes it back when that has ended. Where a signal ends the loan, the connection is
 * closed and the caller answered at once; `use` finds out by the rejections of its statements.
 */
export function lend<T>(
  loan: Loan,
  context: HeldConnectionContext,
  use: (held: HeldConnection) => Promise<T>,
): Promise<T> {
  const { name, deadlineMs } = loan;
  return traced(operationChannel, { operation: name, deadlineMs }, async () => {
    const held = new HeldConnection(await borrow(loan, context), context);
    const patience = new Deadline(context.clock, Infinity, loan.signals);
    const stopBeating = loan.heartbeatMs === false ? undefined : held.keepBeating(loan.heartbeatMs);
    try {
      return await untilGivenUp(use(held), held, patience);
    } finally {
      stopBeating?.();
      patience.done();
      held.giveBack();
    }
  });
}

/** A connection that is held outside of a callback. */
export interface OpenLoan {
  readonly held: HeldConnection;
  /** Gives it back. @throws what {@link lend} throws where a signal has ended the loan. */
  end(): Promise<void>;
}

/** @param lending - begins {@link lend} with the callback it is given. */
export async function openLoan(
  lending: (use: (held: HeldConnection) => Promise<void>) => Promise<void>,
): Promise<OpenLoan> {
  const used = Promise.withResolvers<void>();
  const lent = Promise.withResolvers<HeldConnection>();
  const ended = lending((held) => {
    lent.resolve(held);
    return used.promise;
  });
  ended.catch(lent.reject);
  const held = await lent.promise;
  return {
    held,
    end() {
      used.resolve();
      return ended;
    },
  };
}

async function borrow({ name, route, deadlineMs, signals }: Loan, { clock }: HeldConnectionContext) {
  const deadline = new Deadline(clock, deadlineMs, signals);
  const trace: LeaseTrace = { operation: name, attempt: 1 };
  try {
    return await traced(leaseChannel, trace, async () => {
      const lease = await route(deadline);
      trace.endpoint = lease.endpoint;
      return lease;
    });
  } finally {
    deadline.done();
  }
}

function untilGivenUp<T>(work: Promise<T>, held: HeldConnection, patience: Deadline): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopListening = patience.onOver(() => {
      const { outcome } = held;
      held.end(new Error('the caller gave up'));
      reject(patience.error('a connection was lent', outcome));
    });
    work.then(resolve, reject).finally(stopListening);
  });
}
