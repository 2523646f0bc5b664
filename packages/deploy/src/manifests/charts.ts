import { stringify } from 'yaml';
import type { Lab } from '../config/lab.ts';
import { METALLB_NAMESPACE, OPERATOR_NAMESPACE, ownLabels } from './manifest.ts';
import type { Manifest, ManifestInputs } from './manifest.ts';
import { chartFileName, CHARTS, POOLER_IMAGE, SPILO_IMAGE } from './pins.ts';
import type { ChartName } from './pins.ts';
import { YAML_OPTIONS, YAML_WIDTH } from './yaml-text.ts';

/** A chart of the lab: where it goes, and what is set in it. */
export interface ChartRelease {
  readonly name: ChartName;
  readonly namespace: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Without these two on it, the deletion of a `postgresql` is taken for a mistake. */
export const DELETE_NAME_ANNOTATION = 'delete-clustername';
export const DELETE_DATE_ANNOTATION = 'delete-date';

/** K3s' own Helm controller installs these. They bring the CRDs that the later steps need. */
export function charts(lab: Lab, inputs: ManifestInputs): Manifest[] {
  return chartReleases(lab).map(({ name, namespace, values }) => ({
    object: {
      apiVersion: 'helm.cattle.io/v1',
      kind: 'HelmChart',
      metadata: { name, namespace: 'kube-system', labels: ownLabels(lab) },
      spec: {
        ...chartSource(lab, name, inputs),
        targetNamespace: namespace,
        // The text, not `values`: every K3s knows it.
        valuesContent: stringify(values, { ...YAML_OPTIONS, ...YAML_WIDTH }),
        failurePolicy: 'abort',
        backOffLimit: 5,
        timeout: '10m',
      },
    },
  }));
}

export function chartReleases(lab: Lab): ChartRelease[] {
  const { operatorUi, longhorn, smb } = lab.addons;
  return [
    { name: 'metallb', namespace: METALLB_NAMESPACE, values: METALLB },
    { name: 'postgres-operator', namespace: OPERATOR_NAMESPACE, values: OPERATOR },
    ...(operatorUi ? [operatorUiRelease(lab)] : []),
    ...(smb === undefined ? [] : [{ name: 'csi-driver-smb', namespace: 'kube-system', values: {} } as const]),
    ...(longhorn ? [{ name: 'longhorn', namespace: 'longhorn-system', values: LONGHORN } as const] : []),
  ];
}

/** Layer 2 only: since 0.16 FRR-K8s is on by default, a large DaemonSet for BGP, which this network does not speak. */
const METALLB = { speaker: { frr: { enabled: false } }, frrk8s: { enabled: false } };

/** Where the operator's default would lose data, or put all instances on one node. */
const OPERATOR = {
  configGeneral: {
    docker_image: SPILO_IMAGE,
    // CRDs of a chart are never upgraded by Helm; the operator does it.
    enable_crd_registration: true,
    // The default, said aloud: switching it under a running cluster risks two primaries.
    kubernetes_use_configmaps: true,
  },
  configKubernetes: {
    enable_pod_antiaffinity: true,
    // `required` would leave the fourth instance of a three-node lab pending for ever.
    pod_antiaffinity_preferred_during_scheduling: true,
    enable_persistent_volume_claim_deletion: false,
    enable_secrets_deletion: false,
    // A cluster can only be deleted by somebody who has written its name and today's date on it.
    delete_annotation_name_key: DELETE_NAME_ANNOTATION,
    delete_annotation_date_key: DELETE_DATE_ANNOTATION,
  },
  configLoadBalancer: {
    // Any node can take a connection over: an address that moves after a failover would cost seconds more.
    external_traffic_policy: 'Cluster',
  },
  configConnectionPooler: { connection_pooler_image: POOLER_IMAGE },
  configPatroni: { enable_patroni_failsafe_mode: true },
};

const LONGHORN = { persistence: { defaultClass: false, reclaimPolicy: 'Retain' } };

function operatorUiRelease(lab: Lab): ChartRelease {
  const envs = {
    operatorApiUrl: 'http://postgres-operator:8080',
    // Its default is `default`: clusters of other namespaces would be invisible.
    targetNamespace: lab.cluster.namespace,
    teams: [lab.cluster.team],
  };
  return {
    name: 'postgres-operator-ui',
    namespace: OPERATOR_NAMESPACE,
    values: { envs, service: { type: 'ClusterIP' } },
  };
}

function chartSource(
  lab: Lab,
  name: ChartName,
  { chartFiles }: ManifestInputs,
): { repo: string; chart: string; version: string } | { chartContent: string } {
  if (lab.charts.source === 'repository') return { ...CHARTS[name] };
  const file = chartFiles?.get(chartFileName(name));
  if (file === undefined) throw new TypeError(`the file ${chartFileName(name)} was not given`);
  return { chartContent: Buffer.from(file).toString('base64') };
}
