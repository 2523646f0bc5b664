import { PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import type { DatabaseIntrospector, Dialect, DialectAdapter, Driver, Kysely, QueryCompiler } from 'kysely';
import { InvalidOptionsError } from '../../errors/option-errors.ts';
import type { SchoolDb } from '../create-school-db.ts';
import { checkInteger, checkKeys, checkObject } from '../option-checks.ts';
import { kyselyAccess } from './access.ts';
import type { KyselyAccess } from './access.ts';
import { dialectOn } from './dialect.ts';

export interface SchoolDbDialectConfig {
  /** The client that everything goes through. It is not closed by Kysely's `destroy()`: that is up to `db.close()`. */
  readonly db: SchoolDb;
  /**
   * How long each statement may take in all, in milliseconds. Integer from 1 to 3600000; more than the default for
   * migrations that rewrite large tables, or wait for each other. @defaultValue the client's
   */
  readonly deadlineMs?: number;
}

/**
 * Kysely on top of a client, for those who build their own `new Kysely({ dialect, plugins, log })`; `db.kysely` is one
 * that is ready.
 *
 * @throws InvalidOptionsError that names the option, what was given and what is allowed.
 */
export class SchoolDbDialect implements Dialect {
  readonly #dialect: Dialect;

  constructor(config: SchoolDbDialectConfig) {
    const options = checkObject('the options of SchoolDbDialect', config);
    checkKeys('SchoolDbDialect', options, ['db', 'deadlineMs']);
    const access = accessOf(options['db']);
    const deadlineMs =
      options['deadlineMs'] === undefined
        ? access.deadlineMs
        : checkInteger("'deadlineMs'", options['deadlineMs'], 1, 3_600_000);
    const parts = { PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler };
    this.#dialect = dialectOn(access, parts, deadlineMs);
  }

  createAdapter(): DialectAdapter {
    return this.#dialect.createAdapter();
  }

  createDriver(): Driver {
    return this.#dialect.createDriver();
  }

  createQueryCompiler(): QueryCompiler {
    return this.#dialect.createQueryCompiler();
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- as Kysely's interface has it
  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return this.#dialect.createIntrospector(db);
  }
}

function accessOf(db: unknown): KyselyAccess {
  const give = (db as Partial<SchoolDb> | null | undefined)?.[kyselyAccess];
  if (typeof give === 'function') return give.call(db as SchoolDb);
  throw new InvalidOptionsError(
    "'db' must be a client that createSchoolDb() of this very package has made: new SchoolDbDialect({ db })",
  );
}
