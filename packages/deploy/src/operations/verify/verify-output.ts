import { say } from '../../cli/cluster-texts.ts';
import type { CheckResult } from './check.ts';
import type { VerifyTexts } from './verify-texts.ts';

export interface VerifyCounts {
  readonly ok: number;
  readonly failed: number;
  readonly notChecked: number;
}

export function countChecks(results: readonly CheckResult[]): VerifyCounts {
  const count = (state: CheckResult['result']['state']) =>
    results.filter(({ result }) => result.state === state).length;
  return { ok: count('ok'), failed: count('failed'), notChecked: count('not-checked') };
}

/** One line, and a second with what to do where it failed. */
export function checkLines(found: CheckResult, texts: VerifyTexts): string[] {
  const { state } = found.result;
  const width = Math.max(...Object.values(texts.states).map(({ length }) => length));
  const [text, remedy] = checkText(found, texts);
  const line = `${texts.states[state].padEnd(width)}  ${subjectOf(found, texts)}: ${text}`;
  return remedy === undefined ? [line] : [line, `${' '.repeat(width + 4)}${remedy}`];
}

/** For programs: codes to compare, and the same sentences. */
export function checkJson(found: CheckResult, texts: VerifyTexts): Record<string, unknown> {
  const { check, endpoint, result } = found;
  const [text, remedy] = checkText(found, texts);
  const { is: code, ...details } =
    result.state === 'ok' ? result.fact : result.state === 'failed' ? result.fault : result.gap;
  return { check, endpoint, state: result.state, code, details, text, remedy };
}

function subjectOf({ check, endpoint }: CheckResult, texts: VerifyTexts): string {
  const name = texts.checks[check];
  return endpoint === undefined ? name : `${name} (${texts.endpoints[endpoint]})`;
}

function checkText({ result }: CheckResult, texts: VerifyTexts): [text: string, remedy?: string] {
  if (result.state === 'ok') return [say(texts.facts, 'is', result.fact)];
  if (result.state === 'not-checked') return [say(texts.gaps, 'is', result.gap)];
  return [say(texts.faults, 'is', result.fault), say(texts.remedies, 'is', result.fault)];
}
