/** An object as the API server tells it: of any kind, with what it has added. */
export interface LiveObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly ManagedFields[];
  };
  readonly [field: string]: unknown;
}

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
}

/** What a request says about an object. The kind itself is unknown until its CustomResourceDefinition is served. */
export type Observed =
  | { readonly state: 'found'; readonly object: LiveObject }
  | { readonly state: 'absent' }
  | { readonly state: 'kind-absent' };

/** The value at a path, undefined where there is none. */
export function valueAt(object: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (value as Record<string | number, unknown>)[key]
        : undefined,
    object,
  );
}

/** The condition of this type, as most kinds report it in their status. */
export function conditionOf(
  object: LiveObject,
  type: string,
): { readonly status?: string; readonly reason?: string; readonly message?: string } | undefined {
  const conditions = valueAt(object, 'status', 'conditions');
  if (!Array.isArray(conditions)) return undefined;
  return (conditions as { type?: string; status?: string; reason?: string; message?: string }[]).find(
    (each) => each.type === type,
  );
}
