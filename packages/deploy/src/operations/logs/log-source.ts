import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import { valueAt } from '../../kube/live-object.ts';
import type { LiveObject } from '../../kube/live-object.ts';
import {
  databaseLabels,
  METALLB_NAMESPACE,
  OPERATOR_NAMESPACE,
  poolerLabels,
} from '../../manifests/manifest.ts';
import { isLabelled } from '../members.ts';

export const LOG_SOURCES = ['operator', 'metallb', 'database', 'pooler', 'ui'] as const;
export type LogSourceName = (typeof LOG_SOURCES)[number];

/** Pods that write a log together. */
export interface LogSource {
  readonly name: LogSourceName;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface LogPod {
  readonly namespace: string;
  readonly name: string;
  /** A pod that comes again under its name is another one. */
  readonly uid: string;
  readonly container: string;
  /** It has come to its end and writes nothing more. */
  readonly isOver: boolean;
}

/** @throws DeployError where this lab has none. */
export function logSource(name: LogSourceName, lab: Lab): LogSource {
  if (name === 'ui' && !lab.addons.operatorUi)
    throw new DeployError({ code: 'not-in-lab', what: name, key: 'addons.operatorUi' });
  const { namespace } = lab.cluster;
  const ofChart = (chart: string) => ({ 'app.kubernetes.io/name': chart });
  const sources: Record<LogSourceName, Omit<LogSource, 'name'>> = {
    operator: { namespace: OPERATOR_NAMESPACE, labels: ofChart('postgres-operator') },
    // Its chart labels controller and speakers alike.
    metallb: { namespace: METALLB_NAMESPACE, labels: ofChart('metallb') },
    database: { namespace, labels: databaseLabels(lab) },
    pooler: { namespace, labels: poolerLabels(lab) },
    ui: { namespace: OPERATOR_NAMESPACE, labels: ofChart('postgres-operator-ui') },
  };
  return { name, ...sources[name] };
}

/** In the order of their names. */
export async function findLogPods(kube: KubeApi, { namespace, labels }: LogSource): Promise<LogPod[]> {
  const pods = await kube.list('Pod', namespace);
  return pods
    .filter((pod) => isLabelled(pod, labels))
    .map((pod) => logPod(pod, namespace))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function logPod(pod: LiveObject, namespace: string): LogPod {
  const { name, uid = '', annotations = {} } = pod.metadata;
  const first = valueAt(pod, 'spec', 'containers', 0, 'name');
  const phase = valueAt(pod, 'status', 'phase');
  return {
    namespace,
    name,
    uid,
    // As kubectl chooses: sidecars come behind.
    container: annotations['kubectl.kubernetes.io/default-container'] ?? String(first),
    isOver: phase === 'Succeeded' || phase === 'Failed',
  };
}
