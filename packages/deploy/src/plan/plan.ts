import type { KubeApi } from '../kube/kube-api.ts';
import type { ManifestStep, StepId } from '../manifests/manifest.ts';
import type { SecretFiller } from '../secrets/secret-filler.ts';
import { examine } from './examine.ts';
import type { Forced, ResourcePlan } from './examine.ts';

export interface StepPlan {
  readonly step: StepId;
  readonly resources: readonly ResourcePlan[];
}

/** Whether an object is other than it is to be. */
export function isDue({ action }: ResourcePlan): boolean {
  return action !== 'unchanged' && action !== 'left-out';
}

/** What an apply would change now, step by step. Writes nothing. */
export async function planSteps(
  kube: KubeApi,
  steps: readonly ManifestStep[],
  options: { readonly filler: SecretFiller; readonly forced: Forced },
): Promise<StepPlan[]> {
  const plans: StepPlan[] = [];
  for (const { id, manifests } of steps) {
    const resources: ResourcePlan[] = [];
    for (const manifest of manifests) resources.push((await examine(kube, manifest, options)).plan);
    plans.push({ step: id, resources });
  }
  return plans;
}
