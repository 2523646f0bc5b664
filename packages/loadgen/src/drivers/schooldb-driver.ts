import { CommitUnconfirmedError, SchoolDbError, createSchoolDb } from '@schooldb/client';
import type { SchoolDb, TlsOptions } from '@schooldb/client';
import type { Answer, Driver, Failure, Session, Statement } from './driver.ts';
import { describeError, failureOf } from './pg-failure.ts';
import type { Target, Tls } from './target.ts';

/** The library under test. Writes ask for exactly-once where the database has the schema for it. */
export class SchoolDbDriver implements Driver, Session {
  readonly #db: SchoolDb;
  readonly #exactlyOnce: boolean;

  constructor(target: Target, applicationName: string, maxConnections: number, exactlyOnce: boolean) {
    const { master, replica, masterPooler, database, user, password } = target;
    // What is measured must not depend on what an app's variables happen to say here.
    this.#db = createSchoolDb(
      {
        endpoints: { master, ...(replica && { replica }), ...(masterPooler && { masterPooler }) },
        prefer: masterPooler === undefined ? 'direct' : 'pooler',
        database,
        user,
        password,
        tls: clientTls(target.tls),
        applicationName,
        maxConnections,
      },
      {},
    );
    this.#exactlyOnce = exactlyOnce;
  }

  session(): Session {
    return this;
  }

  /** Calls back whenever the library has found a silent server dead. */
  onServerDead(listener: () => void): void {
    this.#db.on('server:dead', listener);
  }

  read({ text, values }: Statement): Promise<Answer> {
    return answered(this.#db.read(text, [...values]));
  }

  write({ text, values }: Statement): Promise<Answer> {
    return answered(this.#db.write(text, [...values], { exactlyOnce: this.#exactlyOnce }));
  }

  close(): Promise<void> {
    return this.#db.close();
  }
}

async function answered(result: Promise<{ rows: readonly Record<string, unknown>[] }>): Promise<Answer> {
  try {
    return { outcome: 'ok', rows: (await result).rows };
  } catch (error) {
    return clientFailure(error);
  }
}

/** Exported for its test: the library says itself what its errors mean, the app's SQL errors pass through as pg's. */
export function clientFailure(error: unknown): Failure {
  if (!(error instanceof SchoolDbError)) return failureOf(error, 'sent');
  const { code, message } = describeError(error);
  if (error instanceof CommitUnconfirmedError) return { outcome: 'unconfirmed', code, message };
  return { outcome: error.outcome === 'not-executed' ? 'fail' : 'unknown', code, message };
}

function clientTls(tls: Tls | null): boolean | TlsOptions {
  if (tls === null) return false;
  const { ca, serverName } = tls;
  return { ...(ca === null ? {} : { ca }), ...(serverName === undefined ? {} : { serverName }) };
}
