/**
 * `node --import @schooldb/client/register app.js`: from now on `pg` is the drop-in, for `import` and `require`, in the
 * app and in the libraries that it uses. Nothing is loaded before somebody asks for `pg`.
 *
 * The original stays what it is for whoever is made of it: this package, pg itself, and its companions.
 */
import { registerHooks } from 'node:module';

const DROP_IN = import.meta.resolve('@schooldb/client/pg');
const OWN_PACKAGE = new URL('../../', import.meta.url).href;
/** They extend pg's own classes, or are handed to them. */
const COMPANIONS = /\/node_modules\/(?:pg|pg-pool|pg-cursor|pg-query-stream|pg-copy-streams|pg-native)\//;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const { parentURL = '' } = context;
    if (specifier !== 'pg' || isMadeOfPg(parentURL)) return nextResolve(specifier, context);
    return { url: DROP_IN, format: formatOf(DROP_IN), shortCircuit: true };
  },
});

function isMadeOfPg(parentUrl: string): boolean {
  // Of the package itself only what is published: its tests are apps.
  const isOwn =
    parentUrl.startsWith(OWN_PACKAGE) && /^(?:src|dist)\//.test(parentUrl.slice(OWN_PACKAGE.length));
  // An app may lie in a folder with such a name: what counts is the last package on the way.
  const packagePath = parentUrl.slice(Math.max(0, parentUrl.lastIndexOf('/node_modules/')));
  return isOwn || COMPANIONS.test(packagePath);
}

/** In this repository the source is run as it is. */
function formatOf(url: string): string {
  return url.endsWith('.ts') ? 'module-typescript' : 'module';
}
