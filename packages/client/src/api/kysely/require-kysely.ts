import { createRequire } from 'node:module';
import type * as KyselyModule from 'kysely';
import { InvalidOptionsError } from '../../errors/option-errors.ts';

/**
 * Kysely itself, from where this package finds it: the same module that an app imports, since it is published as ESM
 * alone, of which Node keeps one instance for `import` and `require`.
 *
 * @param resolveFrom - a module's URL; there for tests.
 * @throws InvalidOptionsError where it is not installed.
 */
export function requireKysely(resolveFrom: string = import.meta.url): typeof KyselyModule {
  try {
    return createRequire(resolveFrom)('kysely') as typeof KyselyModule;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new InvalidOptionsError(
      'db.kysely needs the package kysely, which is not installed here: npm install kysely@^0.29.9',
      { cause: error },
    );
  }
}
