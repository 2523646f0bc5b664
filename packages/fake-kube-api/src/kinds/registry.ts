import { BUILT_IN } from './built-in.ts';
import type { ResourceType } from './resource-type.ts';

/** The resources that are served at the moment: the built-in ones, and those of established definitions. */
export class Registry {
  readonly #custom = new Map<string, readonly ResourceType[]>();
  /** Custom resources which discovery does not list yet, although they are served. */
  readonly #unlisted = new Set<string>();

  find(group: string, version: string, plural: string): ResourceType | undefined {
    return this.all().find(
      (type) => type.group === group && type.version === version && type.plural === plural,
    );
  }

  findKind(apiVersion: string, kind: string): ResourceType | undefined {
    const [version = '', group = ''] = apiVersion.split('/').toReversed();
    return this.all().find((type) => type.group === group && type.version === version && type.kind === kind);
  }

  /** Any version of a resource. */
  findPlural(group: string, plural: string): ResourceType | undefined {
    return this.all().find((type) => type.group === group && type.plural === plural);
  }

  all(): ResourceType[] {
    return [...BUILT_IN, ...[...this.#custom.values()].flat()];
  }

  /** What discovery answers: a little behind, as the real one is. */
  listed(): ResourceType[] {
    return this.all().filter(({ group, plural }) => !this.#unlisted.has(`${plural}.${group}`));
  }

  /** @param definition - the name of the CustomResourceDefinition. */
  serve(definition: string, types: readonly ResourceType[]): void {
    if (!this.#custom.has(definition)) this.#unlisted.add(definition);
    this.#custom.set(definition, types);
  }

  list(definition: string): void {
    this.#unlisted.delete(definition);
  }

  isServed(definition: string): boolean {
    return this.#custom.has(definition);
  }

  withdraw(definition: string): void {
    this.#custom.delete(definition);
    this.#unlisted.delete(definition);
  }
}
