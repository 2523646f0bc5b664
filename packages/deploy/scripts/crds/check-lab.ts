import { parse } from 'yaml';
import type { Manifest, ManifestStep } from '../../src/manifests/manifest.ts';
import { FIELDS_SINCE_2 } from '../../src/manifests/postgresql.ts';
import type { Crd, StructuralSchema } from './upstream.ts';
import { crdValidator, schemaValidator } from './validator.ts';
import type { Validate } from './validator.ts';

export interface CrdReport {
  /** What was held against what, a line each. */
  readonly checked: string[];
  readonly problems: string[];
  /** Custom resources for which there is no CRD here. */
  readonly unchecked: string[];
}

/** Groups that come with Kubernetes: these have no CRDs. */
const BUILT_IN = /^(?:v1|[a-z]+\/v1|[a-z]+\.k8s\.io\/v1)$/;
/** Files of an operator before 2.0. */
const BEFORE_2 = /\.v1\.\d+\.\d+\./;

/** The groups of the operator's chart values, and where the chart puts each in its OperatorConfiguration. */
const VALUE_GROUPS: Readonly<Record<string, string | undefined>> = {
  configGeneral: undefined,
  configUsers: 'users',
  configKubernetes: 'kubernetes',
  configLoadBalancer: 'load_balancer',
  configConnectionPooler: 'connection_pooler',
  configPatroni: 'patroni',
};

/** Holds every custom resource of a lab against each version of its CRD that is there. */
export class CrdChecker {
  readonly #crds: readonly Crd[];
  /** Compiling one takes a hundred times as long as using it. */
  readonly #validators = new Map<string, Validate>();

  constructor(crds: readonly Crd[]) {
    this.#crds = crds;
  }

  check(steps: readonly ManifestStep[]): CrdReport {
    const report: CrdReport = { checked: [], problems: [], unchecked: [] };
    for (const { object } of steps.flatMap(({ manifests }) => manifests)) {
      if (!BUILT_IN.test(object.apiVersion)) this.#checkObject(object, report);
      if (object.kind === 'HelmChart' && object.metadata.name === 'postgres-operator')
        this.#checkOperatorValues(object.spec.valuesContent, report);
    }
    return report;
  }

  #checkObject(object: Manifest['object'], report: CrdReport): void {
    const [group = '', version = ''] = object.apiVersion.split('/');
    const known = this.#crds.filter((crd) => crd.group === group && crd.kind === object.kind);
    const title = `${object.kind} ${object.metadata.name}`;
    if (known.length === 0) report.unchecked.push(title);
    for (const crd of known) {
      const validate = this.#validator(`${crd.file} ${version}`, () => crdValidator(crd, version));
      const problems = validate(BEFORE_2.test(crd.file) ? asBefore2(object) : object);
      note(report, `${title} against ${crd.file}`, problems);
    }
  }

  /** A value with a typing error would be ignored by Helm and by the operator alike. */
  #checkOperatorValues(valuesContent: string, report: CrdReport): void {
    const values = parse(valuesContent) as Record<string, unknown>;
    for (const crd of this.#crds.filter(({ kind }) => kind === 'OperatorConfiguration')) {
      const configuration = crd.versions[0]?.schema.properties?.['configuration'];
      for (const [group, settings] of Object.entries(values)) {
        const schema = groupSchema(configuration, group);
        const problems =
          schema === undefined
            ? ['no such group']
            : this.#validator(`${crd.file} ${group}`, () => schemaValidator(schema))(settings);
        note(report, `operator's values ${group} against ${crd.file}`, problems);
      }
    }
  }

  #validator(key: string, compile: () => Validate): Validate {
    const known = this.#validators.get(key) ?? compile();
    this.#validators.set(key, known);
    return known;
  }
}

function note(report: CrdReport, title: string, problems: readonly string[]): void {
  report.checked.push(title);
  report.problems.push(...problems.map((found) => `${title}: ${found}`));
}

/** Without the fields that operators before 2.0 do not have. */
function asBefore2(object: Manifest['object']): unknown {
  if (object.kind !== 'postgresql') return object;
  const since2: readonly string[] = FIELDS_SINCE_2;
  const spec = Object.fromEntries(Object.entries(object.spec).filter(([field]) => !since2.includes(field)));
  return { ...object, spec };
}

function groupSchema(
  configuration: StructuralSchema | undefined,
  group: string,
): StructuralSchema | undefined {
  if (!Object.hasOwn(VALUE_GROUPS, group)) return undefined;
  const key = VALUE_GROUPS[group];
  return key === undefined ? configuration : configuration?.properties?.[key];
}
