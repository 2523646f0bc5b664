import type { Schema } from '../schema/schema.ts';

/** One resource in one version, as discovery lists it. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly schema: Schema;
  /** Whether it is compiled into the server, rather than defined by a CustomResourceDefinition. */
  readonly builtIn: boolean;
  /** Whether status is written through a path of its own, and ignored on the main one. */
  readonly statusSubresource: boolean;
  /** Whether a change of what is wanted raises `metadata.generation`. */
  readonly countsGenerations: boolean;
}

export function apiVersionOf({
  group,
  version,
}: {
  readonly group: string;
  readonly version: string;
}): string {
  return group === '' ? version : `${group}/${version}`;
}

/** What all versions of a resource share: objects are stored under it. */
export function storageKey({ group, plural }: { readonly group: string; readonly plural: string }): string {
  return `${group}/${plural}`;
}
