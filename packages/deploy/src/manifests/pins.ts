/**
 * What the manifests are written for. A newer version is taken by changing it here, running `pnpm check:crds` against its
 * CRDs, and reading its release notes for defaults that have changed.
 */
export interface ChartPin {
  readonly repo: string;
  readonly chart: string;
  readonly version: string;
}

export const CHARTS = {
  metallb: { repo: 'https://metallb.github.io/metallb', chart: 'metallb', version: '0.16.1' },
  'postgres-operator': {
    repo: 'https://opensource.zalando.com/postgres-operator/charts/postgres-operator',
    chart: 'postgres-operator',
    version: '2.0.1',
  },
  'postgres-operator-ui': {
    repo: 'https://opensource.zalando.com/postgres-operator/charts/postgres-operator-ui',
    chart: 'postgres-operator-ui',
    version: '2.0.1',
  },
  'csi-driver-smb': {
    repo: 'https://kubernetes-csi.github.io/csi-driver-smb',
    chart: 'csi-driver-smb',
    version: '1.20.3',
  },
  longhorn: { repo: 'https://charts.longhorn.io', chart: 'longhorn', version: '1.12.1' },
} as const satisfies Record<string, ChartPin>;

export type ChartName = keyof typeof CHARTS;

/** The name of a chart's file, as `helm pull` writes it. */
export function chartFileName(name: ChartName): string {
  return `${CHARTS[name].chart}-${CHARTS[name].version}.tgz`;
}

/** One image for all majors of PostgreSQL. */
export const SPILO_IMAGE = 'ghcr.io/zalando/spilo-18:4.1-p2';
export const POOLER_IMAGE = 'ghcr.io/zalando/postgres-operator/pgbouncer:v2.0.1';

/** What the charts run as we set them: to be on the nodes beforehand where there is no internet. */
export const CHART_IMAGES: Partial<Record<ChartName, readonly string[]>> = {
  metallb: ['quay.io/metallb/controller:v0.16.1', 'quay.io/metallb/speaker:v0.16.1'],
  'postgres-operator': ['ghcr.io/zalando/postgres-operator:v2.0.1'],
  'postgres-operator-ui': ['ghcr.io/zalando/postgres-operator-ui:v2.0.1'],
  'csi-driver-smb': [
    'registry.k8s.io/sig-storage/smbplugin:v1.20.3',
    'registry.k8s.io/sig-storage/csi-provisioner:v6.3.0',
    'registry.k8s.io/sig-storage/csi-resizer:v2.2.0',
    'registry.k8s.io/sig-storage/livenessprobe:v2.19.0',
    'registry.k8s.io/sig-storage/csi-node-driver-registrar:v2.17.0',
  ],
};
