import { resourceText } from '../kube/resource.ts';
import type { FieldChange } from '../plan/difference.ts';
import { isDue } from '../plan/plan.ts';
import type { StepPlan } from '../plan/plan.ts';
import type { PlannedResource } from '../plan/versions.ts';
import type { ClusterTexts, PlanCounts } from './cluster-texts.ts';

const SIGNS = {
  create: '+',
  change: '~',
  conflict: '!',
  refused: '!',
  'version-refused': '!',
  unchanged: '=',
  'left-out': '-',
} as const;
/** Longer values are cut: a chart's content, a script. */
const SHOWN_CHARACTERS = 80;

/** What is to be done, for people: unchanged objects are only counted. */
export function planLines(plans: readonly StepPlan[], texts: ClusterTexts): string[] {
  const shown = plans.flatMap(({ step, resources }) => {
    const lines = resources
      .filter(({ action }) => action !== 'unchanged')
      .flatMap((each) => linesOf(each, texts));
    return lines.length === 0 ? [] : [step, ...lines];
  });
  const counts = countPlans(plans);
  return [...shown, dueCount(plans) === 0 ? texts.nothingToDo() : texts.counts(counts)];
}

export function dueCount(plans: readonly StepPlan[]): number {
  return plans.flatMap(({ resources }) => resources).filter(isDue).length;
}

export function countPlans(plans: readonly StepPlan[]): PlanCounts {
  const all = plans.flatMap(({ resources }) => resources);
  const count = (action: PlannedResource['action']) => all.filter((each) => each.action === action).length;
  return {
    create: count('create'),
    change: count('change'),
    conflict: count('conflict'),
    refused: count('refused') + count('version-refused'),
    unchanged: count('unchanged'),
  };
}

function linesOf(plan: PlannedResource, texts: ClusterTexts): string[] {
  const remark = remarkOn(plan, texts);
  const head = `  ${SIGNS[plan.action]} ${resourceText(plan.resource)}${remark === undefined ? '' : ` (${remark})`}`;
  const fields = 'fields' in plan ? plan.fields.map(fieldText) : [];
  const owners =
    plan.action === 'conflict'
      ? plan.owners.map(({ manager, fields: theirs }) => texts.owned(manager, theirs.join(', ')))
      : [];
  const refusal = plan.action === 'refused' ? [`${plan.status}: ${plan.message}`] : [];
  return [head, ...[...fields, ...owners, ...refusal].map((line) => `      ${line}`)];
}

function remarkOn(plan: PlannedResource, texts: ClusterTexts): string | undefined {
  if (plan.action === 'left-out') return texts.leftOut(plan.definition);
  if (plan.action === 'version-refused') return texts.versionRefused(plan);
  if (plan.action === 'change' && plan.fields.length === 0) return texts.adopted();
  return plan.action === 'create' && plan.after !== undefined ? texts.after(plan.after) : undefined;
}

function fieldText({ path, before, after }: FieldChange): string {
  return `${path}: ${valueText(before)} → ${valueText(after)}`;
}

function valueText(value: unknown): string {
  if (value === undefined) return '-';
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
