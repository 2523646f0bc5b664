/** Charts of a lab that runs are brought to the versions that are pinned, one after the other. */
import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { NotWhole } from '../../errors/operation-failure.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { Pace } from '../../kube/pace.ts';
import { resourceText } from '../../kube/resource.ts';
import type { ManifestStep, StepId } from '../../manifests/manifest.ts';
import { CHARTS } from '../../manifests/pins.ts';
import type { ChartName } from '../../manifests/pins.ts';
import { versionChange } from '../../plan/versions.ts';
import type { Part, PlannedResource, VersionChange } from '../../plan/versions.ts';
import { runSteps } from '../../steps/run-steps.ts';
import type { StepRun } from '../../steps/run-steps.ts';
import { waitsAfter } from '../../steps/waits.ts';
import { awaitWhole, wordsOf } from '../drill/await-whole.ts';
import { checkDatabase } from '../verify/cluster-checks.ts';

/** The steps whose objects have a version. */
export const VERSIONED_STEPS: readonly StepId[] = ['charts', 'cluster'];

/** One part, as it runs. */
export type PartState =
  | { readonly is: 'current'; readonly part: Part; readonly version: string }
  | { readonly is: 'absent'; readonly part: Part }
  | { readonly is: 'changing'; readonly part: Part; readonly change: VersionChange };

/**
 * Pure.
 *
 * @param plans - of all objects of `VERSIONED_STEPS`.
 * @throws DeployError for what the server would not take.
 */
export function partStates(plans: readonly PlannedResource[], lab: Lab): PartState[] {
  return plans.map((plan): PartState => {
    const { kind, name } = plan.resource;
    if (plan.action === 'refused') {
      const { status, message } = plan;
      throw new DeployError({ code: 'kube-refused', resource: resourceText(plan.resource), status, message });
    }
    const part = kind === 'HelmChart' ? (name as ChartName) : 'postgresql';
    if (plan.action === 'create') return { is: 'absent', part };
    const change = versionChange(plan);
    if (change !== undefined) return { is: 'changing', part, change };
    const version = part === 'postgresql' ? `${lab.cluster.postgres}` : CHARTS[part].version;
    return { is: 'current', part, version };
  });
}

/** @throws DeployError that says what is not as it should be before anything is changed. */
export async function assertWhole(run: { kube: KubeApi; lab: Lab; pace: Pace }): Promise<void> {
  const database = await checkDatabase(run.kube, run.lab);
  if (database.state === 'failed') {
    const reason = wordsOf(database.fault);
    throw new DeployError({ code: 'not-whole', cluster: run.lab.cluster.name, reason, seconds: 0 });
  }
  await awaitWhole(run, 0, () => {});
}

/**
 * Applies one chart, and waits for what it runs, then for the operator, the addresses, and all members of the database.
 *
 * @param step - of all charts.
 * @throws DeployError that names what is in the way. What was written stays.
 */
export async function upgradeChart(
  run: Omit<StepRun, 'waits'> & { readonly onNotWhole: (reason: NotWhole) => void },
  { id, manifests }: ManifestStep,
  chart: string,
): Promise<void> {
  const waits = (lab: Lab, step: ManifestStep) =>
    waitsAfter(lab, step).filter((wait) => wait.for !== 'chart' || wait.name === chart);
  const only = manifests.filter(({ object }) => object.metadata.name === chart);
  await runSteps({ ...run, waits }, [
    { id, manifests: only },
    { id: 'cluster', manifests: [] },
  ]);
  await awaitWhole(run, run.pace.waitMs.database, run.onNotWhole);
}
