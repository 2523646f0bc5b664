import type { Lab } from '../config/lab.ts';
import type { KubeObject } from './schema/kinds.ts';

/** An object as it is to be, without any secret. */
export interface Manifest {
  readonly object: KubeObject;
  /** Of a Secret: where the values come from that are filled in when it is applied, by their keys. */
  readonly secretValues?: Readonly<Record<string, SecretSource>>;
  /** Only where this CustomResourceDefinition exists. */
  readonly onlyWithCrd?: string;
}

/** A group of objects that are applied together, and awaited before the next. */
export interface ManifestStep {
  readonly id: StepId;
  readonly manifests: readonly Manifest[];
}

/** All steps, in their order. */
export const STEP_IDS = [
  'namespaces',
  'storage',
  'charts',
  'addresses',
  'network-policies',
  'certificates',
  'credentials',
  'backup-share',
  'cluster',
  'helper-schema',
  'monitoring',
  'klatab',
] as const;

export type StepId = (typeof STEP_IDS)[number];

export type SecretSource =
  /** Made once; a value that the cluster has already is kept. */
  | { readonly from: 'generated' }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'environment'; readonly variable: string }
  /** See `certificatePlan`. */
  | { readonly from: 'certificate'; readonly part: 'authority' | 'authority-key' | 'certificate' | 'key' };

/** What a lab does not hold and its manifests need. */
export interface ManifestInputs {
  /** The SQL that the cluster's database is given: the client's helper schema, with what its user may do there. */
  readonly helperSql: string;
  /** With `charts.source: directory`: the .tgz files by their names, as they are. */
  readonly chartFiles?: ReadonlyMap<string, Uint8Array>;
}

export const OPERATOR_NAMESPACE = 'postgres-operator';
export const METALLB_NAMESPACE = 'metallb-system';
/** Pods with this label may reach the database from inside Kubernetes. */
export const CLIENT_LABEL = { 'schooldb/database-client': 'true' } as const;
/** What a Secret's values come from, for whoever reads the rendered file. */
export const SOURCES_ANNOTATION = 'schooldb/values-from';

/** On everything that is ours. */
export function ownLabels(lab: Lab): Record<string, string> {
  return { 'app.kubernetes.io/managed-by': 'schooldb-deploy', 'app.kubernetes.io/part-of': lab.cluster.name };
}

/** The operator's services, which bear the names of their pods' Deployments or StatefulSet as well. */
export function serviceNames({ cluster: { name } }: Lab) {
  return {
    master: name,
    replica: `${name}-repl`,
    masterPooler: `${name}-pooler`,
    replicaPooler: `${name}-pooler-repl`,
  } as const;
}

export function databaseLabels({ cluster: { name } }: Lab): Record<string, string> {
  return { application: 'spilo', 'cluster-name': name };
}

export function poolerLabels({ cluster: { name } }: Lab): Record<string, string> {
  return { application: 'db-connection-pooler', 'cluster-name': name };
}

export function tlsSecretName({ cluster: { name } }: Lab): string {
  return `${name}-tls`;
}
