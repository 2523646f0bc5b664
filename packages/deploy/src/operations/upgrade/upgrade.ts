/** Charts of a lab that runs are brought to the versions that are pinned, one after the other. */
import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { Obstacle } from '../../errors/deploy-error.ts';
import type { NotWhole } from '../../errors/operation-failure.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { Pace } from '../../kube/pace.ts';
import { resourceText } from '../../kube/resource.ts';
import type { ManifestStep, StepId } from '../../manifests/manifest.ts';
import { CHARTS } from '../../manifests/pins.ts';
import type { ChartName } from '../../manifests/pins.ts';
import { versionChange } from '../../plan/versions.ts';
import type { Part, PlannedResource, VersionChange } from '../../plan/versions.ts';
import { obstacleTo } from '../../steps/obstacle.ts';
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
  /** It was written, by a run that was stopped perhaps, and does not run as written yet. */
  | {
      readonly is: 'unfinished';
      readonly part: Part;
      readonly version: string;
      readonly obstacle: Obstacle;
    }
  | { readonly is: 'absent'; readonly part: Part }
  | { readonly is: 'changing'; readonly part: Part; readonly change: VersionChange };

/**
 * Looks what of each part runs. Writes nothing.
 *
 * @param plans - of all objects of `VERSIONED_STEPS`.
 * @throws DeployError for what the server would not take.
 */
export async function partStates(
  kube: KubeApi,
  lab: Lab,
  plans: readonly PlannedResource[],
): Promise<PartState[]> {
  const states: PartState[] = [];
  for (const plan of plans) states.push(await rolledOut(kube, lab, plannedState(plan, lab)));
  return states;
}

function plannedState(plan: PlannedResource, lab: Lab): PartState {
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
}

/** A HelmChart of the right version says nothing about what runs: its run may have been stopped behind the write. */
async function rolledOut(kube: KubeApi, lab: Lab, state: PartState): Promise<PartState> {
  if (state.is !== 'current' || state.part === 'postgresql') return state;
  const obstacle = await obstacleTo(kube, lab, { for: 'chart', name: state.part }, new Set());
  return obstacle === undefined ? state : { ...state, is: 'unfinished', obstacle };
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

/** A run, and who hears why the database is not whole yet. */
export type UpgradeRun = Omit<StepRun, 'waits'> & { readonly onNotWhole: (reason: NotWhole) => void };

/**
 * Waits for a chart that was written before as for one that is being upgraded. Writes nothing.
 *
 * @throws DeployError that names what is in the way.
 */
export function finishChart(run: UpgradeRun, chart: string): Promise<void> {
  return settleChart(run, { id: 'charts', manifests: [] }, chart);
}

/**
 * Applies one chart, and waits for what it runs, then for the operator, the addresses, and all members of the database.
 *
 * @param step - of all charts.
 * @throws DeployError that names what is in the way. What was written stays.
 */
export function upgradeChart(run: UpgradeRun, { id, manifests }: ManifestStep, chart: string): Promise<void> {
  const only = manifests.filter(({ object }) => object.metadata.name === chart);
  return settleChart(run, { id, manifests: only }, chart);
}

async function settleChart(run: UpgradeRun, step: ManifestStep, chart: string): Promise<void> {
  const waits = (lab: Lab, each: ManifestStep) =>
    waitsAfter(lab, each).filter((wait) => wait.for !== 'chart' || wait.name === chart);
  await runSteps({ ...run, waits }, [step, { id: 'cluster', manifests: [] }]);
  await awaitWhole(run, run.pace.waitMs.database, run.onNotWhole);
}
