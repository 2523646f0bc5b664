import type { Api } from '../api/api.ts';
import type { Target } from '../api/ground.ts';
import { timestamp } from '../clock.ts';
import { ApiError } from '../objects/api-error.ts';
import { sameJson } from '../objects/json.ts';
import { controllerReference, nameOf, type KubeObject } from '../objects/kube-object.ts';
import { storageKey } from '../kinds/resource-type.ts';

/** The cluster as a controller sees it, and under its name. */
export class Cluster {
  readonly api: Api;
  readonly #manager: string;
  readonly #since: Map<string, number>;
  readonly #wakeAfter: (delayMs: number) => void;

  /**
   * @param since - when each wait began, kept from one look to the next.
   * @param wakeAfter - asks for another look.
   */
  constructor(api: Api, manager: string, since: Map<string, number>, wakeAfter: (delayMs: number) => void) {
    this.api = api;
    this.#manager = manager;
    this.#since = since;
    this.#wakeAfter = wakeAfter;
  }

  now(): string {
    return timestamp(this.api.clock.now());
  }

  /** Whether so much time has passed since this was first asked; asks to be woken if not. */
  hasPassed(what: string, delayMs: number): boolean {
    const key = `${this.#manager} ${what}`;
    const now = this.api.clock.now();
    const since = this.#since.get(key) ?? now;
    this.#since.set(key, since);
    if (now - since >= delayMs) return true;
    this.#wakeAfter(since + delayMs - now);
    return false;
  }

  /** All objects of a kind; none if the kind is not known. */
  list(apiVersion: string, kind: string, namespace = ''): KubeObject[] {
    const type = this.api.registry.findKind(apiVersion, kind);
    return type === undefined ? [] : this.api.store.list(storageKey(type), namespace);
  }

  get(apiVersion: string, kind: string, namespace: string, name: string): KubeObject | undefined {
    const type = this.api.registry.findKind(apiVersion, kind);
    return type === undefined ? undefined : this.api.store.get(storageKey(type), namespace, name);
  }

  /** An object that is gone as it was at its end, which a controller's watch tells as well; as it was seen where none knows. */
  lastOf(seen: KubeObject): KubeObject {
    const type = this.api.registry.findKind(seen.apiVersion, seen.kind);
    const changes = type === undefined ? [] : this.api.store.changesSince(storageKey(type), 0);
    const end = changes.findLast(
      (change) => change.type === 'DELETED' && change.object.metadata.uid === seen.metadata.uid,
    );
    return end?.object ?? seen;
  }

  isKnown(apiVersion: string, kind: string): boolean {
    return this.api.registry.findKind(apiVersion, kind) !== undefined;
  }

  /** Creates an object that is not there, and leaves one that is. @param owner - goes with it, if it goes. */
  ensure(object: KubeObject, owner?: KubeObject): void {
    const target = this.#target(object);
    if (this.api.store.get(storageKey(target.type), target.namespace, target.name) !== undefined) return;
    const ownerReferences =
      owner === undefined ? object.metadata.ownerReferences : [controllerReference(owner)];
    const metadata = { ...object.metadata, ...(ownerReferences === undefined ? {} : { ownerReferences }) };
    this.api.create({ ...target, name: '' }, { ...object, metadata }, { manager: this.#manager });
  }

  /** Changes parts of an object, null taking away. */
  patch(object: KubeObject, change: object): void {
    this.api.patch(this.#target(object), 'merge', change, { manager: this.#manager });
  }

  /** Writes the status, if it is another one. */
  status(object: KubeObject, status: object): void {
    const now = this.get(object.apiVersion, object.kind, object.metadata.namespace ?? '', nameOf(object));
    if (now === undefined || sameJson(now['status'], status)) return;
    const body = { ...now, status };
    this.api.replace({ ...this.#target(object), subresource: 'status' }, body, { manager: this.#manager });
  }

  delete(object: KubeObject, options: { gracePeriodSeconds?: number } = {}): void {
    try {
      this.api.delete(this.#target(object), options);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 404) throw error;
    }
  }

  /** Takes the last thing away that keeps an object which is being deleted, as the path `finalize` does. */
  finish(object: KubeObject): void {
    const { type } = this.#target(object);
    if ((object.metadata.finalizers ?? []).length === 0) this.api.store.remove(storageKey(type), object);
  }

  #target({ apiVersion, kind, metadata }: KubeObject): Target {
    const type = this.api.registry.findKind(apiVersion, kind);
    if (type === undefined)
      throw new ApiError(
        404,
        'NotFound',
        `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`,
      );
    return { type, namespace: type.namespaced ? (metadata.namespace ?? '') : '', name: metadata.name ?? '' };
  }
}
