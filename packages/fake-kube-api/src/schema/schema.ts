/** The part of OpenAPI v3 that a structural schema of Kubernetes may use. Built-in kinds are described by it, too. */
export interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  /** Not of Kubernetes: a quantity of a built-in kind, stored in its canonical form. */
  readonly 'x-quantity'?: boolean;
}

/** The schema of a field of a map; undefined where the map does not know the field. */
export function fieldSchema(schema: Schema | undefined, field: string): Schema | undefined {
  const known = schema?.properties?.[field];
  if (known !== undefined) return known;
  const more = schema?.additionalProperties;
  if (more === true) return {};
  return more === false ? undefined : more;
}

/** Whether a map accepts fields that its schema does not name, and keeps them. */
export function keepsUnknown(schema: Schema | undefined): boolean {
  if (schema === undefined || schema['x-kubernetes-preserve-unknown-fields'] === true) return true;
  return (
    schema.properties === undefined &&
    schema.additionalProperties === undefined &&
    schema.items === undefined &&
    schema.type === undefined
  );
}

/** Lists are atomic unless the schema says otherwise, maps granular. */
export function isAtomic(schema: Schema | undefined): boolean {
  if (schema === undefined) return false;
  return schema['x-kubernetes-list-type'] === 'atomic' || schema['x-kubernetes-map-type'] === 'atomic';
}
