import type { Lab } from '../config/lab.ts';
import { METALLB_NAMESPACE, OPERATOR_NAMESPACE, ownLabels } from './manifest.ts';
import type { Manifest } from './manifest.ts';

/** The speaker and Longhorn's engine need the host's network and devices. */
const PRIVILEGED = Object.fromEntries(
  ['enforce', 'audit', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'privileged']),
);

export function namespaces(lab: Lab): Manifest[] {
  const { namespace } = lab.cluster;
  return [
    namespaceOf(lab, METALLB_NAMESPACE, PRIVILEGED),
    namespaceOf(lab, OPERATOR_NAMESPACE),
    ...(lab.addons.longhorn ? [namespaceOf(lab, 'longhorn-system', PRIVILEGED)] : []),
    // It is everybody's, and there already.
    ...(namespace === 'default' ? [] : [namespaceOf(lab, namespace)]),
  ];
}

function namespaceOf(lab: Lab, name: string, labels: Record<string, string> = {}): Manifest {
  return {
    object: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { ...ownLabels(lab), ...labels } },
    },
  };
}
