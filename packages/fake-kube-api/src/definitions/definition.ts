import type { Schema } from '../schema/schema.ts';

/** A CustomResourceDefinition with one version. */
export function definition(
  {
    group,
    version,
    kind,
    plural,
    shortNames,
    hasStatus = true,
    isNamespaced = true,
  }: {
    group: string;
    version: string;
    kind: string;
    plural: string;
    shortNames?: readonly string[];
    hasStatus?: boolean;
    isNamespaced?: boolean;
  },
  schema: Schema,
): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: isNamespaced ? 'Namespaced' : 'Cluster',
      names: {
        kind,
        plural,
        singular: kind.toLowerCase(),
        listKind: `${kind}List`,
        ...(shortNames === undefined ? {} : { shortNames }),
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          ...(hasStatus ? { subresources: { status: {} } } : {}),
        },
      ],
    },
  };
}
