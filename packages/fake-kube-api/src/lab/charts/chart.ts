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

/** By which a chart's own Services, and ours, find its pods. */
export type Labels = Readonly<Record<string, string>>;

function workload(
  kind: 'Deployment' | 'DaemonSet',
  { namespace }: Release,
  { name, image, labels = named(name) }: Program,
  more: object,
): KubeObject {
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

interface Program {
  readonly name: string;
  readonly image: string;
  /** @defaultValue its name */
  readonly labels?: Labels;
}

export function deployment(release: Release, program: Program, replicas = 1): KubeObject {
  return workload('Deployment', release, program, { replicas });
}

export function daemonSet(release: Release, program: Program): KubeObject {
  return workload('DaemonSet', release, program, {});
}

export function service(
  { namespace }: Release,
  name: string,
  selector: Labels,
  port: number,
  targetPort = port,
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector, ports: [{ port, targetPort }] },
  };
}

export function named(name: string): Labels {
  return { 'app.kubernetes.io/name': name };
}
