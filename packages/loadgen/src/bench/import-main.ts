/** The process of `bench import` that tells which modules an import loads. Its argument is the module's URL. */
import { registerHooks } from 'node:module';

const [entry = ''] = process.argv.slice(2);
const loaded = new Set<string>();
registerHooks({
  load(url, context, nextLoad) {
    loaded.add(url);
    return nextLoad(url, context);
  },
});
await import(entry);
process.stdout.write(JSON.stringify([...loaded]));
