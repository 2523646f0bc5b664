/** What an object would change to. Values are hidden where they may be secrets. */
export interface FieldChange {
  /** Like `spec.ports[0].port`. */
  readonly path: string;
  /** Undefined where there was none, or will be none. */
  readonly before?: unknown;
  readonly after?: unknown;
}

export const HIDDEN = '(hidden)';
/** What the server keeps for itself. */
const SERVERS_OWN: ReadonlySet<string> = new Set([
  'status',
  'metadata.managedFields',
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.uid',
  'metadata.creationTimestamp',
  'metadata.deletionTimestamp',
  'metadata.deletionGracePeriodSeconds',
]);

/** The fields that differ, in the order in which they stand. */
export function difference(before: object, after: object): FieldChange[] {
  const isSecret = 'kind' in before && before.kind === 'Secret';
  const found = [...compared('', before, after)];
  return isSecret ? found.map(hidden) : found;
}

function* compared(path: string, before: unknown, after: unknown): Generator<FieldChange> {
  if (SERVERS_OWN.has(path)) return;
  if (isList(before) && isList(after) && before.length === after.length) {
    for (const [at, each] of before.entries()) yield* compared(`${path}[${at}]`, each, after[at]);
  } else if (isMap(before) && isMap(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      yield* compared(member(path, key), before[key], after[key]);
  } else if (!isSame(before, after)) {
    yield {
      path,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    };
  }
}

/** Of a Secret, only what all may see: an annotation may well hold the whole of it (kubectl's does). */
function hidden({ path, ...values }: FieldChange): FieldChange {
  if (path.startsWith('metadata.labels') || path === 'type') return { path, ...values };
  return { path, ...Object.fromEntries(Object.keys(values).map((side) => [side, HIDDEN])) };
}

/** A key with a dot in it would read like two. */
function member(path: string, key: string): string {
  if (/[.[\]]/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** Whether two values of JSON are the same, in whatever order their keys stand. */
export function isSame(left: unknown, right: unknown): boolean {
  if (isList(left) && isList(right))
    return left.length === right.length && left.every((each, at) => isSame(each, right[at]));
  if (!isMap(left) || !isMap(right)) return left === right;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => key in right && isSame(left[key], right[key]))
  );
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
