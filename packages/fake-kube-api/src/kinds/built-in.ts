import { modelSchema } from './model-schema.ts';
import type { ResourceType } from './resource-type.ts';

/** n namespaced, s status subresource, g counts generations. */
type Flags = '' | 'n' | 's' | 'g' | 'ns' | 'ng' | 'sg' | 'nsg';

const KINDS: readonly (readonly [
  group: string,
  kind: string,
  plural: string,
  flags: Flags,
  shortNames?: string,
  model?: string,
])[] = [
  ['', 'Namespace', 'namespaces', 's', 'ns'],
  ['', 'Node', 'nodes', 's', 'no'],
  ['', 'Pod', 'pods', 'nsg', 'po'],
  ['', 'Service', 'services', 'ns', 'svc'],
  ['', 'Endpoints', 'endpoints', 'n', 'ep'],
  ['', 'ConfigMap', 'configmaps', 'n', 'cm'],
  ['', 'Secret', 'secrets', 'n'],
  ['', 'ServiceAccount', 'serviceaccounts', 'n', 'sa'],
  ['', 'PersistentVolume', 'persistentvolumes', 's', 'pv'],
  ['', 'PersistentVolumeClaim', 'persistentvolumeclaims', 'ns', 'pvc'],
  ['', 'ResourceQuota', 'resourcequotas', 'ns', 'quota'],
  ['', 'LimitRange', 'limitranges', 'n', 'limits'],
  ['', 'Event', 'events', 'n', 'ev', 'CoreV1Event'],
  ['events.k8s.io', 'Event', 'events', 'n', 'ev', 'EventsV1Event'],
  ['apps', 'Deployment', 'deployments', 'nsg', 'deploy'],
  ['apps', 'ReplicaSet', 'replicasets', 'nsg', 'rs'],
  ['apps', 'StatefulSet', 'statefulsets', 'nsg', 'sts'],
  ['apps', 'DaemonSet', 'daemonsets', 'nsg', 'ds'],
  ['batch', 'Job', 'jobs', 'nsg'],
  ['batch', 'CronJob', 'cronjobs', 'nsg', 'cj'],
  ['networking.k8s.io', 'NetworkPolicy', 'networkpolicies', 'ng', 'netpol'],
  ['networking.k8s.io', 'Ingress', 'ingresses', 'nsg', 'ing'],
  ['policy', 'PodDisruptionBudget', 'poddisruptionbudgets', 'nsg', 'pdb'],
  ['storage.k8s.io', 'StorageClass', 'storageclasses', '', 'sc'],
  ['storage.k8s.io', 'CSIDriver', 'csidrivers', ''],
  ['storage.k8s.io', 'CSINode', 'csinodes', ''],
  ['rbac.authorization.k8s.io', 'Role', 'roles', 'n'],
  ['rbac.authorization.k8s.io', 'RoleBinding', 'rolebindings', 'n'],
  ['rbac.authorization.k8s.io', 'ClusterRole', 'clusterroles', ''],
  ['rbac.authorization.k8s.io', 'ClusterRoleBinding', 'clusterrolebindings', ''],
  ['apiextensions.k8s.io', 'CustomResourceDefinition', 'customresourcedefinitions', 'sg', 'crd,crds'],
  ['coordination.k8s.io', 'Lease', 'leases', 'n'],
  ['discovery.k8s.io', 'EndpointSlice', 'endpointslices', 'n'],
  ['scheduling.k8s.io', 'PriorityClass', 'priorityclasses', '', 'pc'],
  ['admissionregistration.k8s.io', 'ValidatingWebhookConfiguration', 'validatingwebhookconfigurations', 'g'],
  ['admissionregistration.k8s.io', 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', 'g'],
];

export const BUILT_IN: readonly ResourceType[] = KINDS.map(
  ([group, kind, plural, flags, shortNames = '', model = `V1${kind}`]) => ({
    group,
    version: 'v1',
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames: shortNames === '' ? [] : shortNames.split(','),
    categories: [
      'Pod',
      'Service',
      'Deployment',
      'ReplicaSet',
      'StatefulSet',
      'DaemonSet',
      'Job',
      'CronJob',
    ].includes(kind)
      ? ['all']
      : [],
    namespaced: flags.includes('n'),
    schema: modelSchema(model),
    builtIn: true,
    statusSubresource: flags.includes('s'),
    countsGenerations: flags.includes('g'),
  }),
);
