import type { CompiledQuery, Dialect, KyselyPlugin } from 'kysely';
import type * as KyselyModule from 'kysely';
import type { KyselyAccess } from './access.ts';
import { SchoolDbDriver } from './driver.ts';

/** Those parts of Kysely that the dialect uses as they are: given, so that they are loaded by whoever needs them. */
export type KyselyParts = Pick<
  typeof KyselyModule,
  'PostgresAdapter' | 'PostgresIntrospector' | 'PostgresQueryCompiler'
>;

export function dialectOn(access: KyselyAccess, kysely: KyselyParts, deadlineMs: number): Dialect {
  const onPrimary = new WeakSet<CompiledQuery['queryId']>();
  // It changes nothing: it takes down which queries have gone through it.
  const readsPrimary: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      onPrimary.add(queryId);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  return {
    createAdapter: () => new kysely.PostgresAdapter(),
    createDriver: () =>
      new SchoolDbDriver(access, { deadlineMs, mustReadPrimary: ({ queryId }) => onPrimary.has(queryId) }),
    createQueryCompiler: () => new kysely.PostgresQueryCompiler(),
    // Whoever has just created a table looks for it, and so do migrations.
    createIntrospector: (db) => new kysely.PostgresIntrospector(db.withPlugin(readsPrimary)),
  };
}
