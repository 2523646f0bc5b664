import type { KubeApi } from '../kube/kube-api.ts';
import type { Manifest, ManifestStep, StepId } from '../manifests/manifest.ts';
import type { SecretFiller } from '../secrets/secret-filler.ts';
import { examine } from './examine.ts';
import type { Forced } from './examine.ts';
import { judged } from './versions.ts';
import type { PlannedResource } from './versions.ts';

export interface StepPlan {
  readonly step: StepId;
  readonly resources: readonly PlannedResource[];
}

/** Whether an object is other than it is to be. */
export function isDue({ action }: PlannedResource): boolean {
  return action !== 'unchanged' && action !== 'left-out';
}

/** Objects that are looked at together. More would make a small API server throttle us. */
const AT_ONCE = 8;

/** What an apply would change now, step by step. Writes nothing. */
export async function planSteps(
  kube: KubeApi,
  steps: readonly ManifestStep[],
  options: { readonly filler: SecretFiller; readonly forced: Forced },
): Promise<StepPlan[]> {
  const manifests = steps.flatMap((step) => step.manifests);
  const plans = new Map<Manifest, PlannedResource>();
  const left = manifests.values();
  let isOver = false;
  const worker = async (): Promise<void> => {
    for (const manifest of left) {
      if (isOver) return;
      try {
        plans.set(manifest, judged((await examine(kube, manifest, options)).plan));
      } catch (error) {
        isOver = true;
        throw error;
      }
    }
  };
  // All of them: none may still be asking when the connection is closed.
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return steps.map((step) => ({
    step: step.id,
    resources: step.manifests.flatMap((manifest) => plans.get(manifest) ?? []),
  }));
}
