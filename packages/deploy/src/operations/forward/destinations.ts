import type { Lab } from '../../config/lab.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { PodName } from '../../kube/pod-channels.ts';
import { conditionOf } from '../../kube/live-object.ts';
import { databaseLabels, OPERATOR_NAMESPACE } from '../../manifests/manifest.ts';
import { isLabelled } from '../members.ts';
import { POSTGRES_PORT } from '../reach.ts';

export const DESTINATIONS = ['db', 'ui', 'longhorn'] as const;
export type DestinationName = (typeof DESTINATIONS)[number];

/** Pods that a port is forwarded to, and which of theirs. */
export interface Destination {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly port: number;
  /** The switch in the lab.yaml without which it is not there. */
  readonly onlyWith?: { readonly key: string; readonly isOn: boolean };
}

export function destinationOf(name: DestinationName, lab: Lab): Destination {
  const { operatorUi, longhorn } = lab.addons;
  const destinations: Record<DestinationName, Destination> = {
    db: {
      namespace: lab.cluster.namespace,
      labels: { ...databaseLabels(lab), 'spilo-role': 'master' },
      port: POSTGRES_PORT,
    },
    ui: {
      namespace: OPERATOR_NAMESPACE,
      labels: { 'app.kubernetes.io/name': 'postgres-operator-ui' },
      port: 8081,
      onlyWith: { key: 'addons.operatorUi', isOn: operatorUi },
    },
    longhorn: {
      namespace: 'longhorn-system',
      labels: { app: 'longhorn-ui' },
      port: 8000,
      onlyWith: { key: 'addons.longhorn', isOn: longhorn },
    },
  };
  return destinations[name];
}

/** A pod that is ready and not on its way out; undefined while there is none. */
export async function findPod(
  kube: KubeApi,
  { namespace, labels }: Pick<Destination, 'namespace' | 'labels'>,
): Promise<PodName | undefined> {
  const pods = await kube.list('Pod', namespace);
  const found = pods.find(
    (pod) =>
      isLabelled(pod, labels) &&
      pod.metadata.deletionTimestamp === undefined &&
      conditionOf(pod, 'Ready')?.status === 'True',
  );
  return found === undefined ? undefined : { namespace, pod: found.metadata.name };
}
