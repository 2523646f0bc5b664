import type { Lab } from '../config/lab.ts';
import type { KubeConnection } from '../kube/connection.ts';
import { KubeApi } from '../kube/kube-api.ts';
import { connect } from '../kube/kubeconfig.ts';
import { ClusterLock } from '../lock/cluster-lock.ts';
import { thisRun } from '../lock/holder.ts';
import { PACE } from '../kube/pace.ts';
import type { Pace } from '../kube/pace.ts';
import { asItIs } from '../operations/reach.ts';
import type { Reach } from '../operations/reach.ts';
import type { Output, Session } from './command.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { OPERATION_TEXTS } from './operation-texts.ts';
import type { TargetOptions } from './target.ts';
import { CLUSTER_TEXTS } from './texts.ts';
import { withLab } from './with-lab.ts';

/** A lab and its cluster, which is there and is to be operated. */
export interface OperatedCluster {
  readonly lab: Lab;
  /** The path of the lab.yaml. */
  readonly labPath: string;
  readonly connection: KubeConnection;
  readonly kube: KubeApi;
  readonly pace: Pace;
  readonly reach: Reach;
  readonly signal: AbortSignal;
  /** To be held before anything is changed; given back when the command ends. */
  readonly lock: ClusterLock;
}

/** Without what only applying needs, the charts' files for one. Ctrl-C ends it with a word. */
export async function withCluster(
  options: TargetOptions,
  { environment, signal, pace = PACE, reach = asItIs }: Session,
  output: Output,
  use: (cluster: OperatedCluster) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withLab(options, output, async (lab, labPath) => {
    const connection = connect(options.kubeconfig, environment);
    const kube = new KubeApi(connection, pace, signal);
    const lock = new ClusterLock(kube, thisRun(), {
      onTakenOver: (from) => output.err(CLUSTER_TEXTS[options.language].lockTakenOver(from)),
    });
    try {
      return await use({ lab, labPath, connection, kube, pace, reach, signal, lock });
    } catch (error) {
      if (!signal.aborted) throw error;
      output.err(OPERATION_TEXTS[options.language].interrupted());
      return EXIT.interrupted;
    } finally {
      await lock.release();
      connection.close();
    }
  });
}
