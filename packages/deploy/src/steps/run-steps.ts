import type { Lab } from '../config/lab.ts';
import { DeployError } from '../errors/deploy-error.ts';
import { KubeRefusal } from '../errors/kube-refusal.ts';
import { resourceOf } from '../kube/kube-api.ts';
import type { KubeApi } from '../kube/kube-api.ts';
import { pauseMs } from '../kube/pace.ts';
import type { Pace } from '../kube/pace.ts';
import { resourceText } from '../kube/resource.ts';
import type { ClusterLock } from '../lock/cluster-lock.ts';
import type { Resource } from '../kube/resource.ts';
import type { Manifest, ManifestStep, StepId } from '../manifests/manifest.ts';
import { examine } from '../plan/examine.ts';
import type { Examined, Forced, ResourcePlan } from '../plan/examine.ts';
import { assertVersions } from '../plan/versions.ts';
import type { SecretFiller } from '../secrets/secret-filler.ts';
import { installJob, obstacleTo } from './obstacle.ts';
import { waitUntil } from './wait-until.ts';
import type { ObstacleSeen } from './wait-until.ts';
import { waitsAfter } from './waits.ts';
import type { StepWait } from './waits.ts';

/** Facts, as they happen. */
export type Progress =
  | { readonly type: 'step:started'; readonly step: StepId }
  | { readonly type: 'object:written'; readonly resource: string; readonly action: 'create' | 'change' }
  | { readonly type: 'webhook:silent'; readonly resource: string }
  | ObstacleSeen
  | {
      readonly type: 'step:done';
      readonly step: StepId;
      readonly written: number;
      readonly unchanged: number;
    };

export interface StepRun {
  readonly kube: KubeApi;
  readonly lab: Lab;
  readonly pace: Pace;
  readonly forced: Forced;
  /** Held before each write. */
  readonly lock: Pick<ClusterLock, 'hold'>;
  /** A new one for each step: what a step before has written counts as present. */
  readonly newFiller: () => SecretFiller;
  readonly report: (progress: Progress) => void;
  /** What is awaited after a step. @defaultValue waitsAfter */
  readonly waits?: (lab: Lab, step: ManifestStep) => readonly StepWait[];
}

/** A run that is under way. */
interface Run extends StepRun {
  readonly oldJobs: Set<string>;
}

/**
 * Brings the cluster to what the steps say, one after the other. Nothing is remembered outside the cluster: each object
 * is compared with what is there just before it is written, and left alone where it is right already. So a run that was
 * stopped at any point, in any way, is resumed by running it again.
 *
 * @throws DeployError that names object, cause and remedy; what the signal of `kube` was aborted with.
 */
export async function runSteps(options: StepRun, steps: readonly ManifestStep[]): Promise<void> {
  const run: Run = { ...options, oldJobs: new Set() };
  for (const step of steps) {
    run.report({ type: 'step:started', step: step.id });
    const filler = run.newFiller();
    let written = 0;
    for (const manifest of step.manifests) {
      if (await settle(run, manifest, filler)) written += 1;
    }
    for (const wait of (run.waits ?? waitsAfter)(run.lab, step))
      await waitUntil(run, wait, () => obstacleTo(run.kube, run.lab, wait, run.oldJobs));
    run.report({ type: 'step:done', step: step.id, written, unchanged: step.manifests.length - written });
  }
}

/** @returns whether it was written. */
async function settle(run: Run, manifest: Manifest, filler: SecretFiller): Promise<boolean> {
  return whileWebhookIsSilent(run, manifest, async () => {
    const { plan, object } = await examine(run.kube, manifest, { filler, forced: run.forced });
    const resource = resourceText(plan.resource);
    if (plan.action === 'unchanged' || plan.action === 'left-out') return false;
    // Once more: somebody may have upgraded it since it was asked for.
    assertVersions([plan]);
    if (plan.action === 'conflict')
      throw new DeployError({ code: 'conflict', resource, owners: plan.owners });
    if (plan.action === 'refused') {
      const { status, message } = plan;
      throw new DeployError({ code: 'kube-refused', resource, status, message });
    }
    if (plan.action === 'create' && plan.after?.kind === 'CustomResourceDefinition') {
      await untilServed(run, plan.resource, plan.after.name);
      return settle(run, manifest, filler);
    }
    if ((await run.lock.hold()) === 'taken') return settle(run, manifest, filler);
    await rememberInstallJob(run, plan);
    await write(run, { plan, object });
    run.report({ type: 'object:written', resource, action: plan.action });
    return true;
  });
}

/** K3s takes a moment to replace the Job of a chart that has changed, and the old one says that all is done. */
async function rememberInstallJob({ kube, oldJobs }: Run, plan: ResourcePlan): Promise<void> {
  if (plan.resource.kind !== 'HelmChart' || plan.action !== 'change') return;
  if (!plan.fields.some(({ path }) => path.startsWith('spec.'))) return;
  const job = await kube.get(installJob(plan.resource.name));
  if (job.state === 'found') oldJobs.add(job.object.metadata.uid ?? '');
}

/** A definition is established some moments before the server serves its objects. */
async function untilServed(run: Run, resource: Resource, definition: string): Promise<void> {
  const wait = { for: 'definition', name: definition } as const;
  await waitUntil(run, wait, async () => {
    const obstacle = await obstacleTo(run.kube, run.lab, wait, run.oldJobs);
    if (obstacle !== undefined) return obstacle;
    const { state } = await run.kube.get(resource);
    return state === 'kind-absent' ? { is: 'not-established', resource: definition } : undefined;
  });
}

async function write({ kube, forced }: StepRun, { plan, object }: Examined): Promise<void> {
  const resource = resourceText(plan.resource);
  try {
    await kube.apply(object, { dryRun: false, force: forced.has(resource) });
  } catch (error) {
    // Somebody has taken it between the look and the write.
    if (error instanceof KubeRefusal && error.owners.length > 0)
      throw new DeployError({ code: 'conflict', resource, owners: error.owners }, { cause: error });
    throw error;
  }
}

/** MetalLB's webhook refuses everything from the moment it is registered until its controller is up. */
async function whileWebhookIsSilent(
  { kube, pace, report }: StepRun,
  { object }: Manifest,
  attempt: () => Promise<boolean>,
): Promise<boolean> {
  const resource = resourceText(resourceOf(object));
  const startedAt = performance.now();
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof KubeRefusal && error.isWebhookSilent)) throw error;
      const { message } = error.details;
      if (performance.now() - startedAt > pace.webhookMs)
        throw new DeployError(
          { code: 'webhook-silent', resource, seconds: Math.round(pace.webhookMs / 1_000), message },
          { cause: error },
        );
      if (failures === 1) report({ type: 'webhook:silent', resource });
    }
    await kube.pause(pauseMs(failures, pace, Math.random()));
  }
}
