import type { KubeKind } from '../manifests/schema/kinds.ts';

/** An object by its name. */
export interface Resource {
  readonly kind: ResourceKind;
  /** Undefined for kinds that belong to no namespace. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** What we apply, and what we look at while we wait. */
export type ResourceKind =
  KubeKind | 'CustomResourceDefinition' | 'DaemonSet' | 'Lease' | 'Node' | 'Pod' | 'StatefulSet';

interface ResourceType {
  readonly apiVersion: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

const type = (apiVersion: string, plural: string, namespaced = true): ResourceType => ({
  apiVersion,
  plural,
  namespaced,
});

const TYPES: Readonly<Record<ResourceKind, ResourceType>> = {
  Namespace: type('v1', 'namespaces', false),
  Node: type('v1', 'nodes', false),
  Pod: type('v1', 'pods'),
  Secret: type('v1', 'secrets'),
  ConfigMap: type('v1', 'configmaps'),
  Service: type('v1', 'services'),
  PersistentVolume: type('v1', 'persistentvolumes', false),
  PersistentVolumeClaim: type('v1', 'persistentvolumeclaims'),
  StorageClass: type('storage.k8s.io/v1', 'storageclasses', false),
  NetworkPolicy: type('networking.k8s.io/v1', 'networkpolicies'),
  Job: type('batch/v1', 'jobs'),
  Deployment: type('apps/v1', 'deployments'),
  StatefulSet: type('apps/v1', 'statefulsets'),
  DaemonSet: type('apps/v1', 'daemonsets'),
  Lease: type('coordination.k8s.io/v1', 'leases'),
  CustomResourceDefinition: type('apiextensions.k8s.io/v1', 'customresourcedefinitions', false),
  HelmChart: type('helm.cattle.io/v1', 'helmcharts'),
  IPAddressPool: type('metallb.io/v1beta1', 'ipaddresspools'),
  L2Advertisement: type('metallb.io/v1beta1', 'l2advertisements'),
  postgresql: type('acid.zalan.do/v1', 'postgresqls'),
  PodMonitor: type('monitoring.coreos.com/v1', 'podmonitors'),
  PrometheusRule: type('monitoring.coreos.com/v1', 'prometheusrules'),
};

/** Kinds whose definition somebody else brings: a chart of ours, K3s, or Prometheus' operator. */
const CUSTOM: ReadonlySet<ResourceKind> = new Set([
  'HelmChart',
  'IPAddressPool',
  'L2Advertisement',
  'postgresql',
  'PodMonitor',
  'PrometheusRule',
]);

/** The path of one object, or of all in a namespace. */
export function pathOf({
  kind,
  namespace,
  name,
}: Omit<Resource, 'name'> & { readonly name?: string }): string {
  const { apiVersion, plural, namespaced } = TYPES[kind];
  const root = apiVersion.includes('/') ? 'apis' : 'api';
  const parts = [
    root,
    apiVersion,
    ...(namespaced && namespace !== undefined ? ['namespaces', namespace] : []),
  ];
  return `/${[...parts, plural, ...(name === undefined ? [] : [encodeURIComponent(name)])].join('/')}`;
}

/** The name of the kind's CustomResourceDefinition; undefined for kinds that every server has. */
export function definitionOf(kind: ResourceKind): string | undefined {
  const { apiVersion, plural } = TYPES[kind];
  return CUSTOM.has(kind) ? `${plural}.${apiVersion.split('/')[0] ?? ''}` : undefined;
}

/** As people and kubectl name it. */
export function resourceText({ kind, namespace, name }: Resource): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
