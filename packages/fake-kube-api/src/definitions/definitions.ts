import type { Api } from '../api/api.ts';
import { timestamp } from '../clock.ts';
import { at, textAt } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';
import type { Change } from '../store/store.ts';
import { customTypes } from './custom-type.ts';

const RESOURCE = 'apiextensions.k8s.io/customresourcedefinitions';

/** How long after its creation a definition takes effect, and discovery knows of it. */
export interface DefinitionDelays {
  readonly establishMs: number;
  readonly discoverMs: number;
}

/**
 * Makes custom resources available. As in the real server, that is some moments after the definition was created: until
 * it is Established its resource answers 404, and discovery learns of it later still.
 */
export class Definitions {
  readonly #api: Api;
  readonly #delays: DefinitionDelays;

  constructor(api: Api, delays: DefinitionDelays) {
    this.#api = api;
    this.#delays = delays;
    api.store.onChange((change) => {
      if (change.resource === RESOURCE) this.#follow(change);
    });
  }

  /** Makes those take effect that are there: as in a cluster that has run for a while. */
  establishAll(): void {
    for (const definition of this.#api.store.list(RESOURCE)) {
      this.#establish(nameOf(definition));
      this.#api.registry.list(nameOf(definition));
    }
  }

  #follow({ type, object }: Change): void {
    const { registry, clock } = this.#api;
    const name = nameOf(object);
    if (type === 'DELETED') this.#withdraw(object);
    else if (registry.isServed(name)) registry.serve(name, customTypes(object));
    else if (type === 'ADDED') clock.after(this.#delays.establishMs, () => this.#establish(name));
  }

  #establish(name: string): void {
    const { registry, clock, store } = this.#api;
    const definition = store.get(RESOURCE, '', name);
    const type = registry.findKind('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
    if (definition === undefined || type === undefined || registry.isServed(name)) return;
    const now = timestamp(clock.now());
    const condition = (kind: string, reason: string, message: string) => ({
      type: kind,
      status: 'True',
      lastTransitionTime: now,
      reason,
      message,
    });
    const status = {
      acceptedNames: at(definition, 'spec', 'names'),
      conditions: [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
      ],
    };
    registry.serve(name, customTypes(definition));
    this.#api.patch(
      { type, namespace: '', name, subresource: 'status' },
      'merge',
      { status },
      { manager: 'kube-apiserver' },
    );
    clock.after(this.#delays.discoverMs, () => registry.list(name));
  }

  /** With a definition go its objects. */
  #withdraw(definition: KubeObject): void {
    const { registry, store } = this.#api;
    registry.withdraw(nameOf(definition));
    const resource = `${textAt(definition, 'spec', 'group') ?? ''}/${textAt(definition, 'spec', 'names', 'plural') ?? ''}`;
    for (const object of store.list(resource)) store.remove(resource, object);
  }
}
