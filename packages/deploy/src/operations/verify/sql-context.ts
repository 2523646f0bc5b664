import type { Lab } from '../../config/lab.ts';
import type { CheckResult } from './check.ts';
import type { DatabaseClients } from './database-clients.ts';

/** What the checks share that speak to the database. */
export interface SqlContext {
  readonly lab: Lab;
  readonly clients: DatabaseClients;
  /** One operation, in milliseconds. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly report: (result: CheckResult) => void;
}
