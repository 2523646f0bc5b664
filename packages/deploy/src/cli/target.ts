import { dirname } from 'node:path';
import { secretValues } from '../kube/secret-values.ts';
import type { ManifestStep } from '../manifests/manifest.ts';
import { SecretFiller } from '../secrets/secret-filler.ts';
import type { Output, Session } from './command.ts';
import type { ExitCode } from './exit-codes.ts';
import { labSteps } from './lab-file.ts';
import { CLUSTER_TEXTS } from './texts.ts';
import { withCluster } from './with-cluster.ts';
import type { ClusterOptions, OperatedCluster } from './with-cluster.ts';

/** A lab and the cluster that it is, or is to be, applied to. */
export interface Target extends OperatedCluster {
  readonly steps: readonly ManifestStep[];
  /** A new one for each step: what a step before has written counts as present. */
  readonly newFiller: () => SecretFiller;
}

/** The lab with all that is needed to apply it; Ctrl-C ends it with a word on what that leaves. */
export async function withTarget(
  options: ClusterOptions,
  session: Session,
  output: Output,
  use: (target: Target) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { environment } = session;
  const prepared = async (cluster: OperatedCluster): Promise<ExitCode> => {
    const { lab, labPath, kube } = cluster;
    const present = (name: string) => secretValues(kube, lab.cluster.namespace, name);
    const newFiller = () =>
      new SecretFiller(lab, { directory: dirname(labPath), environment, present, now: () => Date.now() });
    return use({ ...cluster, steps: await labSteps(lab, labPath), newFiller });
  };
  return withCluster(options, session, output, prepared, {
    interrupted: CLUSTER_TEXTS[options.language].interrupted(),
    tellTakeover: (line) => output.out(line),
  });
}
