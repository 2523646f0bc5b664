/** Breaks the client as it is loaded. Must be called before anything of the client is imported. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Mutation } from './mutations/mutation.ts';

const SOURCE = new URL('../../src/', import.meta.url);

/**
 * The files that are changed, with what they hold then.
 *
 * @throws Error where a place to be broken is not there exactly once.
 */
export function mutatedSources({ name, edits }: Mutation): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const source = sources.get(file) ?? readFileSync(fileURLToPath(new URL(file, SOURCE)), 'utf8');
    const found = source.split(find).length - 1;
    if (found !== 1) {
      throw new Error(
        `the mutation '${name}' has no place: its text occurs ${found} times in ${file}, not once`,
      );
    }
    sources.set(
      file,
      source.replace(find, () => replace),
    );
  }
  return sources;
}

export function applyMutation(mutation: Mutation): void {
  const sources = mutatedSources(mutation);
  const byUrl = new Map([...sources].map(([file, source]) => [new URL(file, SOURCE).href, source]));
  registerHooks({
    load(url, context, nextLoad) {
      const source = byUrl.get(url);
      return source === undefined
        ? nextLoad(url, context)
        : { format: 'module-typescript', source, shortCircuit: true };
    },
  });
}
