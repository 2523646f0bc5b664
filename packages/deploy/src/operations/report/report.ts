/** All that can be said of a cluster at one time, for the school's folder. */
import type { Lab } from '../../config/lab.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { ManifestStep } from '../../manifests/manifest.ts';
import { planSteps } from '../../plan/plan.ts';
import type { StepPlan } from '../../plan/plan.ts';
import type { SecretFiller } from '../../secrets/secret-filler.ts';
import type { Reach } from '../reach.ts';
import { readStatus } from '../status/status.ts';
import type { ClusterState } from '../status/status.ts';
import type { CheckResult } from '../verify/check.ts';
import type { VerifyContext } from '../verify/verify.ts';
import { readVersions } from './read-versions.ts';
import type { Versions } from './read-versions.ts';

export interface ReportContext {
  readonly lab: Lab;
  readonly steps: readonly ManifestStep[];
  readonly kube: KubeApi;
  readonly newFiller: () => SecretFiller;
  readonly reach: Reach;
  readonly databaseMs: number;
  readonly signal: AbortSignal;
  /** Undefined leaves it out. */
  readonly verify: ((context: VerifyContext) => Promise<void>) | undefined;
}

export interface Report {
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly versions: Versions;
  readonly state: ClusterState;
  readonly plans: readonly StepPlan[];
  /** Undefined where it was not asked for. */
  readonly checks: readonly CheckResult[] | undefined;
}

/** @throws DeployError where the Kubernetes API cannot be reached or refuses; what the signal was aborted with. */
export async function makeReport(context: ReportContext): Promise<Report> {
  const { lab, kube, steps, newFiller, verify } = context;
  const startedAt = new Date();
  const from = performance.now();
  const versions = await readVersions(kube, lab);
  const state = await readStatus(kube, lab);
  const plans = await planSteps(kube, steps, { filler: newFiller(), forced: new Set() });
  const checks: CheckResult[] = [];
  await verify?.({ ...context, report: (found) => void checks.push(found) });
  const durationMs = Math.round(performance.now() - from);
  return { startedAt, durationMs, versions, state, plans, checks: verify === undefined ? undefined : checks };
}
