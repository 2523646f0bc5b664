/** The same for the resources of K3s, MetalLB, the operator and Prometheus; see core.ts. */
import { z } from 'zod';
import { labelSelector, namespaced, resources } from './core.ts';

export const helmChartSchema = z.strictObject({
  apiVersion: z.literal('helm.cattle.io/v1'),
  kind: z.literal('HelmChart'),
  metadata: namespaced(),
  spec: z.strictObject({
    repo: z.url().optional(),
    chart: z.string().optional(),
    version: z.string().optional(),
    chartContent: z.base64().optional(),
    targetNamespace: z.string(),
    valuesContent: z.string(),
    // The default, reinstall, uninstalls first: with an operator's chart that may mean its CRDs and all clusters.
    failurePolicy: z.literal('abort'),
    backOffLimit: z.int(),
    timeout: z.string(),
  }),
});

export const ipAddressPoolSchema = z.strictObject({
  apiVersion: z.literal('metallb.io/v1beta1'),
  kind: z.literal('IPAddressPool'),
  metadata: namespaced(),
  spec: z.strictObject({
    addresses: z.array(z.string()).min(1),
    autoAssign: z.boolean(),
    serviceAllocation: z.strictObject({ serviceSelectors: z.array(labelSelector()).min(1) }).optional(),
  }),
});

export const l2AdvertisementSchema = z.strictObject({
  apiVersion: z.literal('metallb.io/v1beta1'),
  kind: z.literal('L2Advertisement'),
  metadata: namespaced(),
  spec: z.strictObject({ ipAddressPools: z.array(z.string()).min(1) }),
});

export const postgresqlSchema = z.strictObject({
  apiVersion: z.literal('acid.zalan.do/v1'),
  kind: z.literal('postgresql'),
  metadata: namespaced(),
  spec: z.strictObject({
    teamId: z.string(),
    numberOfInstances: z.int(),
    postgresql: z.strictObject({
      version: z.enum(['14', '15', '16', '17', '18']),
      parameters: z.record(z.string(), z.string()),
    }),
    volume: z.strictObject({ size: z.string(), storageClass: z.string() }),
    users: z.record(z.string(), z.array(z.string())),
    databases: z.record(z.string(), z.string()),
    enableMasterLoadBalancer: z.boolean(),
    enableReplicaLoadBalancer: z.boolean(),
    enableConnectionPooler: z.boolean(),
    enableReplicaConnectionPooler: z.boolean(),
    enableMasterPoolerLoadBalancer: z.boolean(),
    enableReplicaPoolerLoadBalancer: z.boolean(),
    // Without one the operator lets 127.0.0.1/32 in, and nobody else.
    allowedSourceRanges: z.array(z.cidrv4()).min(1),
    connectionPooler: z.strictObject({
      numberOfInstances: z.int(),
      mode: z.enum(['session', 'transaction']),
      maxDBConnections: z.int(),
      resources: resources(),
    }),
    maintenanceWindows: z.array(z.string()).optional(),
    spiloFSGroup: z.int(),
    tls: z.strictObject({ secretName: z.string(), caFile: z.string() }),
    patroni: z.strictObject({
      ttl: z.int(),
      loop_wait: z.int(),
      retry_timeout: z.int(),
      maximum_lag_on_failover: z.int(),
      synchronous_mode: z.boolean(),
      synchronous_mode_strict: z.boolean(),
      synchronous_node_count: z.int(),
      failsafe_mode: z.boolean(),
      pg_hba: z.array(z.string()).min(1),
    }),
    resources: resources(),
    topologySpreadConstraints: z.array(
      z.strictObject({
        maxSkew: z.int(),
        topologyKey: z.string(),
        whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']),
        labelSelector: labelSelector(),
      }),
    ),
  }),
});

export const podMonitorSchema = z.strictObject({
  apiVersion: z.literal('monitoring.coreos.com/v1'),
  kind: z.literal('PodMonitor'),
  metadata: namespaced(),
  spec: z.strictObject({
    selector: labelSelector(),
    podMetricsEndpoints: z.array(
      z.strictObject({ targetPort: z.int(), path: z.string(), interval: z.string() }),
    ),
  }),
});

export const prometheusRuleSchema = z.strictObject({
  apiVersion: z.literal('monitoring.coreos.com/v1'),
  kind: z.literal('PrometheusRule'),
  metadata: namespaced(),
  spec: z.strictObject({
    groups: z.array(
      z.strictObject({
        name: z.string(),
        rules: z.array(
          z.strictObject({
            alert: z.string(),
            expr: z.string(),
            for: z.string(),
            labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
            annotations: z.strictObject({ summary: z.string(), description: z.string() }),
          }),
        ),
      }),
    ),
  }),
});
