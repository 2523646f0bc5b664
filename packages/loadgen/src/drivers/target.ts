import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';

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
  /** What the certificate must hold, where that is not the address. */
  serverName?: string;
}

interface PgSsl {
  ca?: string;
  rejectUnauthorized: boolean;
  checkServerIdentity?: (host: string, certificate: PeerCertificate) => Error | undefined;
}

/** What pg's `ssl` option wants for it. */
export function pgSsl(tls: Tls | null): false | PgSsl {
  if (tls === null) return false;
  const { ca, verify, serverName } = tls;
  return {
    rejectUnauthorized: verify,
    ...(ca === null ? {} : { ca }),
    ...(serverName === undefined
      ? {}
      : { checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate) }),
  };
}
