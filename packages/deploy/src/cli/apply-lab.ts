import { resourceOf } from '../kube/kube-api.ts';
import { resourceText } from '../kube/resource.ts';
import type { ManifestStep } from '../manifests/manifest.ts';
import { planSteps } from '../plan/plan.ts';
import type { Forced } from '../plan/examine.ts';
import type { StepPlan } from '../plan/plan.ts';
import { assertVersions } from '../plan/versions.ts';
import { runSteps } from '../steps/run-steps.ts';
import type { Progress } from '../steps/run-steps.ts';
import type { ClusterTexts } from './cluster-texts.ts';
import { consents } from './consent.ts';
import { UsageError } from './command.ts';
import type { RunOutput, Session } from './command.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { dueCount, planLines } from './plan-output.ts';
import { shown } from './progress/show-progress.ts';
import type { Target } from './target.ts';
import type { ClusterOptions } from './with-cluster.ts';
import { CLUSTER_TEXTS } from './texts.ts';

export interface ApplyOptions extends ClusterOptions {
  readonly yes?: boolean;
  /** The one step to take. */
  readonly only?: string;
  /** Objects to take from whoever has changed them, as the plan names them. */
  readonly force?: readonly string[];
}

/** Shows what would change, asks, and brings the cluster to what the lab says. */
export async function applyLab(
  target: Target,
  { yes = false, only, force = [], language }: ApplyOptions,
  session: Session,
  output: RunOutput,
): Promise<ExitCode> {
  const texts = CLUSTER_TEXTS[language];
  const steps = chosenSteps(target.steps, only, texts);
  const forced = chosenObjects(steps, force, texts);
  const plans = await planSteps(target.kube, steps, { filler: target.newFiller(), forced });
  const { context, server } = target.connection;
  for (const line of [texts.cluster(context, server), ...planLines(plans, texts)]) output.out(line);
  // Before conflicts: forcing one would be the wrong advice.
  assertVersions(plans.flatMap(({ resources }) => resources));
  const conflicts = conflictsIn(plans);
  if (conflicts.length > 0) {
    output.err(`deploy:lab: ${texts.declined()} ${texts.inConflict(conflicts)}`);
    return EXIT.failed;
  }
  const due = dueCount(plans);
  // Nobody is asked for what cannot be done.
  if (due > 0) await target.lock.check();
  if (due > 0 && !(await consents(session, yes, texts.question(due), language))) {
    output.out(texts.declined());
    return EXIT.failed;
  }
  // Where there is nothing to do, nothing is written, this least of all.
  if (due > 0) await target.lock.hold();
  await applied(target, { steps, forced }, { isLive: session.isLive ?? false, texts, output });
  return EXIT.ok;
}

function chosenSteps(
  steps: readonly ManifestStep[],
  only: string | undefined,
  texts: ClusterTexts,
): readonly ManifestStep[] {
  const chosen = steps.filter(({ id }) => only === undefined || id === only);
  if (chosen.length > 0) return chosen;
  throw new UsageError(texts.unknownStep(only ?? '', steps.map(({ id }) => id).join(', ')));
}

function chosenObjects(
  steps: readonly ManifestStep[],
  force: readonly string[],
  texts: ClusterTexts,
): Forced {
  const names = new Set(
    steps.flatMap(({ manifests }) => manifests.map(({ object }) => resourceText(resourceOf(object)))),
  );
  for (const each of force) if (!names.has(each)) throw new UsageError(texts.unknownObject(each));
  return new Set(force);
}

function conflictsIn(plans: readonly StepPlan[]): string[] {
  return plans
    .flatMap(({ resources }) => resources)
    .filter(({ action }) => action === 'conflict')
    .map(({ resource }) => resourceText(resource));
}

async function applied(
  target: Target,
  { steps, forced }: { readonly steps: readonly ManifestStep[]; readonly forced: Forced },
  { isLive, texts, output }: { isLive: boolean; texts: ClusterTexts; output: RunOutput },
): Promise<void> {
  const startedAt = performance.now();
  let written = 0;
  const ids = steps.map(({ id }) => id);
  await shown(ids, { isLive, texts, output }, (show) => {
    const report = (progress: Progress): void => {
      if (progress.type === 'object:written') written += 1;
      show(progress);
    };
    return runSteps({ ...target, forced, report }, steps);
  });
  output.out(texts.applied(written, Math.round((performance.now() - startedAt) / 1_000)));
}
