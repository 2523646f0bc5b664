import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** A CustomResourceDefinition, as far as it is used here. */
export interface Crd {
  /** `postgresqls.v2.0.1.yaml`. */
  readonly file: string;
  readonly group: string;
  readonly kind: string;
  readonly versions: readonly { readonly name: string; readonly schema: StructuralSchema }[];
}

/** A schema as Kubernetes has it: OpenAPI 3.0 with extensions. */
export interface StructuralSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly [keyword: string]: unknown;
}

interface CrdFile {
  readonly kind?: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { name: string; schema: { openAPIV3Schema: StructuralSchema } }[];
  };
}

/** All CustomResourceDefinitions in the YAML files of a folder and the folders in it. */
export function readCrds(folder: string): Crd[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.yaml'),
  );
  return names.toSorted().flatMap((name) => {
    const crd = parse(readFileSync(join(folder, name), 'utf8')) as CrdFile;
    if (crd.kind !== 'CustomResourceDefinition') return [];
    const { group, names: of, versions } = crd.spec;
    return [
      {
        file: name,
        group,
        kind: of.kind,
        versions: versions.map((each) => ({ name: each.name, schema: each.schema.openAPIV3Schema })),
      },
    ];
  });
}
