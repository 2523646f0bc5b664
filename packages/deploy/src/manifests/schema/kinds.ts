import { z } from 'zod';
import {
  configMapSchema,
  deploymentSchema,
  jobSchema,
  namespaceSchema,
  networkPolicySchema,
  persistentVolumeClaimSchema,
  persistentVolumeSchema,
  secretSchema,
  serviceSchema,
  storageClassSchema,
} from './core.ts';
import {
  helmChartSchema,
  ipAddressPoolSchema,
  l2AdvertisementSchema,
  podMonitorSchema,
  postgresqlSchema,
  prometheusRuleSchema,
} from './custom.ts';

/** Every kind of object that a lab is made of. */
export const KIND_SCHEMAS = {
  Namespace: namespaceSchema,
  Secret: secretSchema,
  ConfigMap: configMapSchema,
  PersistentVolume: persistentVolumeSchema,
  PersistentVolumeClaim: persistentVolumeClaimSchema,
  StorageClass: storageClassSchema,
  NetworkPolicy: networkPolicySchema,
  Job: jobSchema,
  Deployment: deploymentSchema,
  Service: serviceSchema,
  HelmChart: helmChartSchema,
  IPAddressPool: ipAddressPoolSchema,
  L2Advertisement: l2AdvertisementSchema,
  postgresql: postgresqlSchema,
  PodMonitor: podMonitorSchema,
  PrometheusRule: prometheusRuleSchema,
} as const;

export const kubeObjectSchema = z.discriminatedUnion('kind', [
  namespaceSchema,
  secretSchema,
  configMapSchema,
  persistentVolumeSchema,
  persistentVolumeClaimSchema,
  storageClassSchema,
  networkPolicySchema,
  jobSchema,
  deploymentSchema,
  serviceSchema,
  helmChartSchema,
  ipAddressPoolSchema,
  l2AdvertisementSchema,
  postgresqlSchema,
  podMonitorSchema,
  prometheusRuleSchema,
]);

export type KubeObject = z.infer<typeof kubeObjectSchema>;
export type KubeKind = KubeObject['kind'];
/** The object of one kind. */
export type Kube<Kind extends KubeKind> = Extract<KubeObject, { kind: Kind }>;
