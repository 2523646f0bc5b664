import { systemClock, type Clock } from '../clock.ts';
import type { JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { Registry } from '../kinds/registry.ts';
import type { ResourceType } from '../kinds/resource-type.ts';
import { Store } from '../store/store.ts';
import { create } from './create.ts';
import { remove, type DeleteOptions } from './delete.ts';
import type { Admission, Ground, Target, WriteOptions } from './ground.ts';
import { list, matcher, Snapshots, type ListQuery } from './list.ts';
import { apply, patch, type ApplyOptions, type PatchKind } from './patch.ts';
import { current, replace } from './update.ts';

/** The operations of the API, without HTTP around them: the server and the controllers use the same ones. */
export class Api implements Ground {
  readonly store = new Store();
  readonly registry = new Registry();
  readonly admission = new Set<Admission>();
  readonly clock: Clock;
  readonly #snapshots = new Snapshots();

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
  }

  get(target: Target): KubeObject {
    return current(this, target);
  }

  list(type: ResourceType, namespace: string, query: ListQuery = {}): JsonObject {
    return list(this, this.#snapshots, type, namespace, query);
  }

  create(target: Target, body: unknown, options: WriteOptions): KubeObject {
    return create(this, target, body, options);
  }

  replace(target: Target, body: unknown, options: WriteOptions): KubeObject {
    return replace(this, target, body, options);
  }

  patch(target: Target, kind: Exclude<PatchKind, 'apply'>, body: unknown, options: WriteOptions): KubeObject {
    return patch(this, target, kind, body, options);
  }

  apply(
    target: Target,
    body: unknown,
    options: ApplyOptions,
  ): { readonly object: KubeObject; readonly created: boolean } {
    return apply(this, target, body, options);
  }

  delete(target: Target, options: DeleteOptions = {}): KubeObject | JsonObject {
    return remove(this, target, options);
  }

  /** Deletes all that a query finds. @returns them as a list. */
  deleteAll(type: ResourceType, namespace: string, query: ListQuery, options: DeleteOptions): JsonObject {
    const found = this.list(type, namespace, query);
    for (const object of this.store
      .list(`${type.group}/${type.plural}`, namespace)
      .filter(matcher(type, query))) {
      this.delete(
        { type, namespace: object.metadata.namespace ?? '', name: object.metadata.name ?? '' },
        options,
      );
    }
    return found;
  }

  /** Forgets the past: older watches and lists that are under way get 410. */
  compact(): void {
    this.store.compact();
    this.#snapshots.clear();
  }
}
