import { at, isRecord, recordsAt, textAt } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { modelSchema } from '../kinds/model-schema.ts';
import type { ResourceType } from '../kinds/resource-type.ts';
import type { Schema } from '../schema/schema.ts';

/** The resources that a CustomResourceDefinition makes available: one for each version that is served. */
export function customTypes(definition: KubeObject): ResourceType[] {
  const names = at(definition, 'spec', 'names');
  const plural = textAt(names, 'plural') ?? '';
  const kind = textAt(names, 'kind') ?? '';
  return recordsAt(definition, 'spec', 'versions')
    .filter(({ served }) => served === true)
    .map((version) => ({
      group: textAt(definition, 'spec', 'group') ?? '',
      version: textAt(version, 'name') ?? '',
      kind,
      plural,
      singular: textAt(names, 'singular') ?? kind.toLowerCase(),
      shortNames: (at(names, 'shortNames') as string[] | undefined) ?? [],
      categories: (at(names, 'categories') as string[] | undefined) ?? [],
      namespaced: textAt(definition, 'spec', 'scope') !== 'Cluster',
      schema: rootSchema(at(version, 'schema', 'openAPIV3Schema')),
      builtIn: false,
      statusSubresource: at(version, 'subresources', 'status') !== undefined,
      countsGenerations: true,
    }));
}

/** What every object has is known, whatever the definition says of it. */
function rootSchema(schema: unknown): Schema {
  const given = (isRecord(schema) ? schema : {}) as Schema;
  const properties = {
    ...given.properties,
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: modelSchema('V1ObjectMeta'),
  };
  return { ...given, properties };
}
