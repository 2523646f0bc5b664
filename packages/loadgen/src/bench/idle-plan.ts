import type { Address } from '../drivers/target.ts';

/** What `bench idle` hands to the app that it starts. */
export interface IdlePlan {
  master: Address;
  replica: Address;
  database: string;
  user: string;
  password: string;
  ca: string;
  applicationName: string;
  /** How long the process stays, in milliseconds; null leaves its end to the client alone. */
  stayMs: number | null;
}

/** Where the plan is: not among the arguments, which everybody can read. */
export const PLAN_VARIABLE = 'SCHOOLDB_BENCH_PLAN';
