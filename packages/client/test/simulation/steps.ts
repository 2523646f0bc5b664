/** What the steps of a callback do. */
import { APP_TEXTS, ownText } from './model/statements.ts';
import type { OperationPlan, Step } from './schedule.ts';
import type { SimTime } from './time.ts';

export function pass(time: SimTime, ms: number): Promise<void> {
  return new Promise((resolve) => time.afterForApp(ms, resolve));
}

/** What a step sends. */
export function statementOf(
  plan: OperationPlan,
  step: Exclude<Step, { readonly kind: 'wait' | 'throw' }>,
  index: number,
): { readonly text: string; readonly values: readonly unknown[] } {
  switch (step.kind) {
    case 'insert':
    case 'read':
      return { text: APP_TEXTS[step.kind], values: [stepKey(plan, index)] };
    case 'scan':
      return { text: APP_TEXTS.scan, values: [] };
    case 'count':
      return { text: APP_TEXTS.count, values: [step.id] };
    case 'sleep':
      return { text: APP_TEXTS.sleep, values: [step.ms] };
    case 'notify':
      return { text: APP_TEXTS.notify, values: [step.channel, stepKey(plan, index)] };
    case 'fail':
    case 'fail-caught':
      return { text: APP_TEXTS.raise, values: [step.code] };
    case 'begin':
    case 'commit':
    case 'rollback':
      return { text: step.kind.toUpperCase(), values: [] };
    case 'set':
      break;
  }
  return { text: ownText(plan.id), values: [] };
}

export function stepKey(plan: OperationPlan, index: number): string {
  return `${plan.id}.${index}`;
}
