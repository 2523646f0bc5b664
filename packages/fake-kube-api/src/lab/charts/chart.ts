import type { KubeObject } from '../../objects/kube-object.ts';

/** What an installed chart leaves in the cluster. */
export interface Chart {
  /** From the chart's `crds` folder: Helm creates them once, and neither changes nor deletes them. */
  readonly definitions: readonly object[];
  /** @param values - as the HelmChart gives them. */
  readonly objects: (release: Release) => readonly KubeObject[];
}

export interface Release {
  readonly name: string;
  readonly namespace: string;
  readonly values: unknown;
}

function workload(
  kind: 'Deployment' | 'DaemonSet',
  { namespace }: Release,
  name: string,
  image: string,
  more: object,
): KubeObject {
  const labels = { 'app.kubernetes.io/name': name };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, labels },
    spec: {
      ...more,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name, image }] } },
    },
  };
}

export function deployment(release: Release, name: string, image: string, replicas = 1): KubeObject {
  return workload('Deployment', release, name, image, { replicas });
}

export function daemonSet(release: Release, name: string, image: string): KubeObject {
  return workload('DaemonSet', release, name, image, {});
}

export function service(
  { namespace }: Release,
  name: string,
  selects: string,
  port: number,
  targetPort = port,
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { 'app.kubernetes.io/name': selects }, ports: [{ port, targetPort }] },
  };
}
