/** Breaks one place of the client as it is loaded. Must be called before anything of the client is imported. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Mutation } from './mutations.ts';

const SOURCE = new URL('../../src/', import.meta.url);

/** @throws Error where the place to be broken is not there exactly once. */
export function mutatedSource(mutation: Mutation): string {
  const source = readFileSync(fileURLToPath(new URL(mutation.file, SOURCE)), 'utf8');
  const found = source.split(mutation.find).length - 1;
  if (found !== 1) {
    throw new Error(
      `the mutation '${mutation.name}' has no place: its text occurs ${found} times in ${mutation.file}, not once`,
    );
  }
  return source.replace(mutation.find, () => mutation.replace);
}

export function applyMutation(mutation: Mutation): void {
  const { href } = new URL(mutation.file, SOURCE);
  const source = mutatedSource(mutation);
  registerHooks({
    load(url, context, nextLoad) {
      return url === href
        ? { format: 'module-typescript', source, shortCircuit: true }
        : nextLoad(url, context);
    },
  });
}
