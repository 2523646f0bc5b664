import { ApiError, badRequest, expired } from '../objects/api-error.ts';
import type { JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { apiVersionOf, storageKey, type ResourceType } from '../kinds/resource-type.ts';
import { fieldSelector, labelSelector, type Matches } from '../store/selectors.ts';
import type { Ground } from './ground.ts';

export interface ListQuery {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

interface ContinueToken {
  readonly v: 'meta.k8s.io/v1';
  readonly rv: number;
  /** The place of the next object in the list of that revision. */
  readonly start: number;
}

/** Lists that were begun with a limit, as they were at their revision: later pages come from the same state. */
export class Snapshots {
  readonly #byRevision = new Map<string, readonly KubeObject[]>();

  keep(key: string, objects: readonly KubeObject[]): void {
    this.#byRevision.set(key, objects);
  }

  get(key: string): readonly KubeObject[] | undefined {
    return this.#byRevision.get(key);
  }

  /** What a compaction does to lists that are under way. */
  clear(): void {
    this.#byRevision.clear();
  }
}

export function matcher({ kind }: ResourceType, query: ListQuery): Matches {
  const byLabels = labelSelector(query.labelSelector ?? '');
  const byFields = fieldSelector(query.fieldSelector ?? '', kind);
  return (object) => byLabels(object) && byFields(object);
}

export function list(
  ground: Ground,
  snapshots: Snapshots,
  type: ResourceType,
  namespace: string,
  query: ListQuery,
): JsonObject {
  const { store } = ground;
  assertReached(store.revision, query.resourceVersion);
  const token = query.continue === undefined || query.continue === '' ? undefined : readToken(query.continue);
  const revision = token?.rv ?? store.revision;
  const snapshotKey = `${revision} ${storageKey(type)} ${namespace}`;
  const all = token === undefined ? store.list(storageKey(type), namespace) : snapshots.get(snapshotKey);
  if (all === undefined) {
    throw expired(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    );
  }
  const isSelective = (query.labelSelector ?? '') !== '' || (query.fieldSelector ?? '') !== '';
  const matches = matcher(type, query);
  const limit = query.limit === undefined || query.limit <= 0 ? Infinity : query.limit;
  const items: KubeObject[] = [];
  let next = token?.start ?? 0;
  for (; next < all.length && items.length < limit; next += 1) {
    const object = all[next];
    if (object !== undefined && matches(object)) items.push(object);
  }
  const hasMore = next < all.length;
  if (hasMore) snapshots.keep(snapshotKey, all);
  const apiVersion = apiVersionOf(type);
  return {
    kind: `${type.kind}List`,
    apiVersion,
    metadata: {
      resourceVersion: String(revision),
      ...(hasMore ? { continue: writeToken({ v: 'meta.k8s.io/v1', rv: revision, start: next }) } : {}),
      ...(hasMore && !isSelective ? { remainingItemCount: all.length - next } : {}),
    },
    items: items.map((item) => (type.builtIn ? withoutKind(item) : { ...item, apiVersion })),
  };
}

/** In lists of built-in kinds only the list says what its items are. */
function withoutKind(item: KubeObject): object {
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = item;
  return rest;
}

/** A client may name a revision that this server has not seen yet. */
function assertReached(revision: number, asked: string | undefined): void {
  if (asked === undefined || asked === '') return;
  if (!/^\d+$/.test(asked))
    throw badRequest(
      `resourceVersion: Invalid value: ${JSON.stringify(asked)}: strconv.ParseUint: parsing ${JSON.stringify(asked)}: invalid syntax`,
    );
  if (Number(asked) <= revision) return;
  throw new ApiError(504, 'Timeout', `Too large resource version: ${asked}, current: ${revision}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });
}

function writeToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function readToken(text: string): ContinueToken {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as ContinueToken;
  } catch {
    throw badRequest('continue key is not valid: encoded string is not valid');
  }
}
