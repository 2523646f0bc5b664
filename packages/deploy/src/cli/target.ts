import { dirname } from 'node:path';
import type { Lab } from '../config/lab.ts';
import type { KubeConnection } from '../kube/connection.ts';
import { KubeApi } from '../kube/kube-api.ts';
import { connect } from '../kube/kubeconfig.ts';
import { secretValues } from '../kube/secret-values.ts';
import { ClusterLock } from '../lock/cluster-lock.ts';
import { thisRun } from '../lock/holder.ts';
import { PACE } from '../kube/pace.ts';
import type { Pace } from '../kube/pace.ts';
import type { ManifestStep } from '../manifests/manifest.ts';
import { asItIs } from '../operations/reach.ts';
import type { Reach } from '../operations/reach.ts';
import { SecretFiller } from '../secrets/secret-filler.ts';
import type { CommonOptions, Output, Session } from './command.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { labSteps } from './lab-file.ts';
import { CLUSTER_TEXTS } from './texts.ts';
import { withLab } from './with-lab.ts';

export interface TargetOptions extends CommonOptions {
  readonly kubeconfig?: string;
}

/** A lab and the cluster that it is, or is to be, applied to. */
export interface Target {
  readonly lab: Lab;
  readonly steps: readonly ManifestStep[];
  readonly connection: KubeConnection;
  readonly kube: KubeApi;
  readonly pace: Pace;
  readonly reach: Reach;
  readonly signal: AbortSignal;
  /** To be held before anything is written; given back when the command ends. */
  readonly lock: ClusterLock;
  /** A new one for each step: what a step before has written counts as present. */
  readonly newFiller: () => SecretFiller;
}

/** The lab with all that is needed to reach its cluster; Ctrl-C ends it with a word on what that leaves. */
export async function withTarget(
  options: TargetOptions,
  { environment, signal, pace = PACE, reach = asItIs }: Session,
  output: Output,
  use: (target: Target) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withLab(options, output, async (lab, path) => {
    const steps = await labSteps(lab, path);
    const connection = connect(options.kubeconfig, environment);
    const kube = new KubeApi(connection, pace, signal);
    const texts = CLUSTER_TEXTS[options.language];
    const lock = new ClusterLock(kube, thisRun(), {
      onTakenOver: (from) => output.out(texts.lockTakenOver(from)),
    });
    const present = (name: string) => secretValues(kube, lab.cluster.namespace, name);
    const newFiller = () =>
      new SecretFiller(lab, { directory: dirname(path), environment, present, now: () => Date.now() });
    try {
      return await use({ lab, steps, connection, kube, pace, reach, signal, lock, newFiller });
    } catch (error) {
      if (!signal.aborted) throw error;
      output.err(texts.interrupted());
      return EXIT.interrupted;
    } finally {
      await lock.release();
      connection.close();
    }
  });
}
