import type { CompiledQuery, Driver, TransactionSettings } from 'kysely';
import type { KyselyAccess } from './access.ts';
import type { ConnectionContext } from './connection.ts';
import { KyselyConnection } from './connection.ts';
import { Judge } from './judge.ts';

export interface DriverOptions {
  /** For each statement, in milliseconds. */
  readonly deadlineMs: number;
  /** Whether a query must not be read from a replica. */
  readonly mustReadPrimary: (query: CompiledQuery) => boolean;
}

/** Kysely's way to the client. It opens nothing, and closes nothing: the client belongs to the app. */
export class SchoolDbDriver implements Driver {
  readonly #context: ConnectionContext;

  constructor(access: KyselyAccess, options: DriverOptions) {
    const judge = new Judge(access);
    this.#context = { access, ...options, judge: (query) => judge.judge(query) };
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<KyselyConnection> {
    return new KyselyConnection(this.#context);
  }

  async beginTransaction(connection: KyselyConnection, settings: TransactionSettings): Promise<void> {
    await connection.begin(settings);
  }

  async commitTransaction(connection: KyselyConnection): Promise<void> {
    await connection.commit();
  }

  async rollbackTransaction(connection: KyselyConnection): Promise<void> {
    await connection.rollBack();
  }

  async savepoint({ transaction }: KyselyConnection, name: string): Promise<void> {
    await transaction.setSavepoint(name);
  }

  async rollbackToSavepoint({ transaction }: KyselyConnection, name: string): Promise<void> {
    await transaction.rollBackTo(name);
  }

  async releaseSavepoint({ transaction }: KyselyConnection, name: string): Promise<void> {
    await transaction.release(name);
  }

  async releaseConnection(connection: KyselyConnection): Promise<void> {
    await connection.release();
  }

  async destroy(): Promise<void> {}
}
