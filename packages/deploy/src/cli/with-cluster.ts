import type { Lab } from '../config/lab.ts';
import type { KubeConnection } from '../kube/connection.ts';
import { KubeApi } from '../kube/kube-api.ts';
import type { Delay } from '../kube/kube-api.ts';
import { connect } from '../kube/kubeconfig.ts';
import { ClusterLock } from '../lock/cluster-lock.ts';
import { thisRun } from '../lock/holder.ts';
import { PACE } from '../kube/pace.ts';
import type { Pace } from '../kube/pace.ts';
import { asItIs } from '../operations/reach.ts';
import type { Reach } from '../operations/reach.ts';
import type { CommonOptions, Output, Session } from './command.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { OPERATION_TEXTS } from './operation-texts.ts';
import { CLUSTER_TEXTS } from './texts.ts';
import { withLab } from './with-lab.ts';

export interface ClusterOptions extends CommonOptions {
  readonly kubeconfig?: string;
}

/** A lab and its cluster. */
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

interface Words {
  /** With which Ctrl-C ends it. */
  readonly interrupted: string;
  /** Where it is told that a dead run's lock has been taken over; standard output may be for programs. */
  readonly tellTakeover: (line: string) => void;
}

/** The lab with all that is needed to reach its cluster, without what only applying needs. */
export async function withCluster(
  options: ClusterOptions,
  { environment, signal, pace = PACE, reach = asItIs }: Session,
  output: Output,
  use: (cluster: OperatedCluster) => Promise<ExitCode>,
  {
    interrupted = OPERATION_TEXTS[options.language].interrupted(),
    tellTakeover = (line) => output.err(line),
  }: Partial<Words> = {},
): Promise<ExitCode> {
  return withLab(options, output, async (lab, labPath) => {
    const connection = connect(options.kubeconfig, environment);
    const texts = CLUSTER_TEXTS[options.language];
    const kube = new KubeApi(
      connection,
      pace,
      signal,
      tellingOnce(output, (delay) => texts.apiSlow(delay)),
    );
    const lock = new ClusterLock(kube, thisRun(), {
      onTakenOver: (from) => tellTakeover(texts.lockTakenOver(from)),
    });
    try {
      return await use({ lab, labPath, connection, kube, pace, reach, signal, lock });
    } catch (error) {
      if (!signal.aborted) throw error;
      output.err(interrupted);
      return EXIT.interrupted;
    } finally {
      await lock.release();
      connection.close();
    }
  });
}

/** The same is told again after so long, in milliseconds. */
const TOLD_AGAIN_MS = 10_000;

/** Several requests wait at the same time, for the same reason, and not all in the same attempt. */
function tellingOnce(output: Output, textOf: (delay: Delay) => string): (delay: Delay) => void {
  let told: { readonly delay: Delay; readonly at: number } | undefined;
  return (delay) => {
    const now = performance.now();
    const isKnown =
      told !== undefined &&
      now - told.at < TOLD_AGAIN_MS &&
      told.delay.reason === delay.reason &&
      told.delay.attempt >= delay.attempt;
    if (isKnown) return;
    output.err(textOf(delay));
    told = { delay, at: now };
  };
}
