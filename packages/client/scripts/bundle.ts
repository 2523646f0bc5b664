/**
 * Puts the published JavaScript together from the source: a file for each entry point and a few beside them, instead of a
 * hundred, each of which Node would have to find, read and compile by itself. The declarations are the compiler's.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const ENTRIES = ['index', 'kysely/index', 'pg/index', 'pg/register'];

const output = join(PACKAGE, 'dist');
await mkdir(output, { recursive: true });
await removeScripts(output);
const bundle = await rolldown({
  input: Object.fromEntries(ENTRIES.map((name) => [name, join(PACKAGE, 'src', `${name}.ts`)])),
  platform: 'node',
  // Other packages stay what they are: dependencies.
  external: (id) => !/^[./]/.test(id),
  onLog(level, { message }, report) {
    if (level === 'warn') throw new Error(message);
    report(level, message);
  },
});
await bundle.write({
  dir: output,
  format: 'esm',
  sourcemap: true,
  // All but the entry points lies one folder deep, as in the source: the helper SQL is found from there.
  chunkFileNames: ({ name }) => `parts/${name.replaceAll(/[~/]/g, '-')}.js`,
  codeSplitting: { groups: [{ name: 'client', test: isPart, entriesAware: true }] },
});
await bundle.close();

/** By its path, whether it is no entry point. */
function isPart(module: string): boolean {
  return !ENTRIES.some((name) => module.endsWith(`/src/${name}.ts`));
}

/** Of an earlier build, which had other parts. */
async function removeScripts(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true });
  const scripts = names.filter((name) => /\.js(?:\.map)?$/.test(name));
  await Promise.all(scripts.map((name) => rm(join(directory, name))));
}
