export interface Address {
  host: string;
  port: number;
}

/** Where the load goes. Plain data: it crosses into the worker threads. */
export interface Target {
  master: Address;
  replica: Address | null;
  /** Where the app goes through a pooler in front of the master. */
  masterPooler?: Address;
  database: string;
  user: string;
  password: string;
  tls: Tls | null;
}

export interface Tls {
  /** PEM text of the authority to trust; null trusts the system's. */
  ca: string | null;
  /** False encrypts without asking who answers (`sslmode=require`, as libpq has it). */
  verify: boolean;
}

/** What pg's `ssl` option wants for it. */
export function pgSsl(tls: Tls | null): false | { ca?: string; rejectUnauthorized: boolean } {
  if (tls === null) return false;
  return { rejectUnauthorized: tls.verify, ...(tls.ca === null ? {} : { ca: tls.ca }) };
}
