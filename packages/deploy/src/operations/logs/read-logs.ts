import { DeployError } from '../../errors/deploy-error.ts';
import { KubeRefusal } from '../../errors/kube-refusal.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import { logLine } from './log-line.ts';
import type { LogLine } from './log-line.ts';
import type { LogPod } from './log-source.ts';

/** How much of what was written before. */
export interface LogRange {
  readonly tail: number;
  readonly sinceSeconds: number | undefined;
}

export interface PodLine {
  readonly pod: LogPod;
  readonly line: LogLine;
}

export interface ReadLogs {
  /** By their time. */
  readonly lines: readonly PodLine[];
  /** Of pods whose log could not be had. */
  readonly failures: readonly DeployError[];
}

/** @throws DeployError where the Kubernetes API cannot be reached. */
export async function readLogs(kube: KubeApi, pods: readonly LogPod[], range: LogRange): Promise<ReadLogs> {
  const found = await Promise.all(pods.map((pod) => readLog(kube, pod, range)));
  const lines = found.flatMap((each) => (Array.isArray(each) ? each : []));
  return {
    lines: lines.toSorted((a, b) => (a.line.at < b.line.at ? -1 : a.line.at > b.line.at ? 1 : 0)),
    failures: found.filter((each) => each instanceof DeployError),
  };
}

async function readLog(kube: KubeApi, pod: LogPod, range: LogRange): Promise<PodLine[] | DeployError> {
  const { namespace, name } = pod;
  try {
    const text = await kube.log({ kind: 'Pod', namespace, name }, rangeQuery(pod, range));
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    return lines.map((line) => ({ pod, line: logLine(line) }));
  } catch (error) {
    if (error instanceof KubeRefusal) return logFailure(pod, error);
    throw error;
  }
}

export function rangeQuery({ container }: LogPod, { tail, sinceSeconds }: LogRange): URLSearchParams {
  return new URLSearchParams({
    container,
    timestamps: 'true',
    tailLines: String(tail),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds: String(sinceSeconds) }),
  });
}

export function logFailure({ namespace, name: pod }: LogPod, { details }: KubeRefusal): DeployError {
  const { status, message: reason } = details;
  // The node's words, which have no code of their own.
  return status === 400 && reason.includes('waiting to start')
    ? new DeployError({ code: 'log-not-yet', namespace, pod, reason })
    : new DeployError({ code: 'log-refused', namespace, pod, status, reason });
}
