import type { KubeObject } from '../objects/kube-object.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Change {
  readonly revision: number;
  readonly type: ChangeType;
  /** The storage key of its resource, see `storageKey`. */
  readonly resource: string;
  readonly object: KubeObject;
  /** What was there before; undefined for ADDED. */
  readonly previous: KubeObject | undefined;
}

/** A real server keeps its history for five minutes; this one by number, so that tests do not depend on time. */
const CHANGES_KEPT = 20_000;

/**
 * All objects and the history of their changes, under one counter of revisions, as etcd keeps them. Objects go in and
 * out as they are: nobody may change one that is stored.
 */
export class Store {
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  #changes: Change[] = [];
  #revision = 1;
  #compacted = 0;
  readonly #listeners = new Set<(change: Change) => void>();

  get revision(): number {
    return this.#revision;
  }

  /** The oldest revision from which changes can still be told. */
  get oldest(): number {
    return this.#compacted;
  }

  get(resource: string, namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(resource)?.get(keyOf(namespace, name));
  }

  /** In the order of etcd's keys. An empty namespace means all of them. */
  list(resource: string, namespace = ''): KubeObject[] {
    const found = [...(this.#objects.get(resource)?.entries() ?? [])];
    return found
      .filter(([key]) => namespace === '' || key.startsWith(`${namespace}/`))
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, object]) => object);
  }

  resources(): string[] {
    return [...this.#objects.keys()];
  }

  /** Stores an object, new or changed, under the next revision. @returns it with its resourceVersion. */
  put(resource: string, object: KubeObject): KubeObject {
    const previous = this.get(resource, object.metadata.namespace ?? '', object.metadata.name ?? '');
    const revision = ++this.#revision;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    let objects = this.#objects.get(resource);
    if (objects === undefined) this.#objects.set(resource, (objects = new Map<string, KubeObject>()));
    objects.set(keyOf(stored.metadata.namespace ?? '', stored.metadata.name ?? ''), stored);
    this.#record({
      revision,
      type: previous === undefined ? 'ADDED' : 'MODIFIED',
      resource,
      object: stored,
      previous,
    });
    return stored;
  }

  /** Removes an object. @returns its last state, under the revision of its removal. */
  remove(resource: string, object: KubeObject): KubeObject {
    const { namespace = '', name = '' } = object.metadata;
    const revision = ++this.#revision;
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    this.#objects.get(resource)?.delete(keyOf(namespace, name));
    this.#record({ revision, type: 'DELETED', resource, object: last, previous: object });
    return last;
  }

  /** What happened to a resource after a revision. */
  changesSince(resource: string, revision: number): Change[] {
    return this.#changes.filter((change) => change.revision > revision && change.resource === resource);
  }

  /** Forgets the history, as etcd's compaction does: who asks for older revisions gets 410. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#changes = [];
  }

  /** @returns what ends it. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #record(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length > CHANGES_KEPT)
      this.#compacted = this.#changes.shift()?.revision ?? this.#compacted;
    for (const listener of this.#listeners) listener(change);
  }
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
