import { parse } from 'yaml';
import type { Manifest, ManifestStep } from '../../src/manifests/manifest.ts';
import { FIELDS_SINCE_2 } from '../../src/manifests/postgresql.ts';
import type { Crd, StructuralSchema } from './upstream.ts';
import { crdValidator, schemaValidator } from './validator.ts';

export interface CrdReport {
  /** One line for each object and each file that it was held against. */
  readonly checked: readonly string[];
  readonly problems: readonly string[];
  /** Kinds with a group of their own for which the folder has no CRD. */
  readonly unchecked: readonly string[];
}

/** Groups that come with Kubernetes: these have no CRDs. */
const BUILT_IN = /^(?:v1|[a-z]+\/v1|[a-z]+(?:\.k8s\.io)\/v1)$/;
const BEFORE_2 = /\.v1\./;

/** Holds every custom resource of a lab against each version of its CRD that is there. */
export function checkLab(steps: readonly ManifestStep[], crds: readonly Crd[]): CrdReport {
  const report = { checked: [] as string[], problems: [] as string[], unchecked: [] as string[] };
  for (const { object } of steps.flatMap(({ manifests }) => manifests)) {
    if (BUILT_IN.test(object.apiVersion)) continue;
    const [group = '', version = ''] = object.apiVersion.split('/');
    const known = crds.filter((crd) => crd.group === group && crd.kind === object.kind);
    const title = `${object.kind} ${object.metadata.name}`;
    if (known.length === 0) report.unchecked.push(title);
    for (const crd of known) {
      report.checked.push(`${title} against ${crd.file}`);
      const problems = crdValidator(crd, version)(BEFORE_2.test(crd.file) ? asBefore2(object) : object);
      report.problems.push(...problems.map((found) => `${title} against ${crd.file}: ${found}`));
    }
    if (object.kind === 'HelmChart' && object.metadata.name === 'postgres-operator')
      checkOperatorValues(object.spec.valuesContent, crds, report);
  }
  return report;
}

/** Without the fields that operators before 2.0 do not have, and which are left out for them. */
function asBefore2(object: Manifest['object']): Manifest['object'] {
  if (object.kind !== 'postgresql') return object;
  const spec: Record<string, unknown> = { ...object.spec };
  for (const field of FIELDS_SINCE_2) delete spec[field];
  return { ...object, spec: spec as typeof object.spec };
}

/** The groups of the operator's chart values, and where the chart puts them in its OperatorConfiguration. */
const VALUE_GROUPS: Readonly<Record<string, string | undefined>> = {
  configGeneral: undefined,
  configUsers: 'users',
  configKubernetes: 'kubernetes',
  configLoadBalancer: 'load_balancer',
  configConnectionPooler: 'connection_pooler',
  configPatroni: 'patroni',
};

/** A value with a typing error would be ignored by Helm and by the operator alike. */
function checkOperatorValues(
  valuesContent: string,
  crds: readonly Crd[],
  report: { checked: string[]; problems: string[] },
): void {
  const values = parse(valuesContent) as Record<string, Record<string, unknown>>;
  for (const crd of crds.filter(({ kind }) => kind === 'OperatorConfiguration')) {
    const configuration = crd.versions[0]?.schema.properties?.['configuration'];
    for (const [group, settings] of Object.entries(values)) {
      const place = `operator's values ${group} against ${crd.file}`;
      report.checked.push(place);
      const schema = groupSchema(configuration, group);
      const problems = schema === undefined ? ['no such group'] : schemaValidator(schema)(settings);
      report.problems.push(...problems.map((found) => `${place}: ${found}`));
    }
  }
}

function groupSchema(
  configuration: StructuralSchema | undefined,
  group: string,
): StructuralSchema | undefined {
  if (!Object.hasOwn(VALUE_GROUPS, group)) return undefined;
  const key = VALUE_GROUPS[group];
  return key === undefined ? configuration : configuration?.properties?.[key];
}
