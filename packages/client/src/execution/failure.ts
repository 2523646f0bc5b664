import { codeOf, failureOf, judgeFailure } from '../policy/classify.ts';
import type { FailurePhase, FailureVerdict, StatementSafety } from '../policy/classify.ts';
import { WireLostError } from '../wire/wire.ts';

/** What an error that a wire has thrown means. See {@link judgeFailure}. */
export function verdictOn(error: unknown, phase: FailurePhase, safety: StatementSafety): FailureVerdict {
  if (!(error instanceof WireLostError)) return judgeFailure(failureOf(error), phase, safety);
  const { cause, sent } = error;
  const failure = { code: codeOf(cause), message: (cause as Error).message, connectionLost: true };
  return judgeFailure(failure, sent ? phase : phaseBefore(phase), safety);
}

/** What had been reached before the statement that was never sent. */
function phaseBefore(phase: FailurePhase): FailurePhase {
  return phase === 'sent' || phase === 'not-sent' ? 'not-sent' : 'in-transaction';
}
