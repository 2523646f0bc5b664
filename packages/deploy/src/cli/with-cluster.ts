import type { Lab } from '../config/lab.ts';
import type { KubeConnection } from '../kube/connection.ts';
import { KubeApi } from '../kube/kube-api.ts';
import { connect } from '../kube/kubeconfig.ts';
import { PACE } from '../kube/pace.ts';
import type { Pace } from '../kube/pace.ts';
import { asItIs } from '../operations/reach.ts';
import type { Reach } from '../operations/reach.ts';
import type { Output, Session } from './command.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { OPERATION_TEXTS } from './operation-texts.ts';
import type { TargetOptions } from './target.ts';
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
    try {
      return await use({ lab, labPath, connection, kube, pace, reach, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      output.err(OPERATION_TEXTS[options.language].interrupted());
      return EXIT.interrupted;
    } finally {
      connection.close();
    }
  });
}
