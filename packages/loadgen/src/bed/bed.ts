import type { Cluster } from '@schooldb/local-cluster';
import type { PlainConnectionOptions } from '../drivers/plain-connection.ts';
import type { Target } from '../drivers/target.ts';
import type { WatchedServer } from '../measure/server-watch.ts';

/** The database under test, and what else is known of it. */
export interface Bed {
  /** One line for the reader of a report. */
  description: string;
  target: Target;
  servers: WatchedServer[];
  /** Present where faults can be made. */
  cluster: Cluster | null;
  /** Whether a write is acknowledged only once a standby has it. Unknown, and so false, for a target of somebody else. */
  synchronous: boolean;
  /** May be called twice. */
  close(): Promise<void>;
}

/** How the servers' lists of connections name those of the driver under test. */
export const APPLICATION_NAME = 'schooldb-loadgen';
/** Names of the generator's own connections, which no count includes. */
export const OBSERVER_NAME = 'schooldb-loadgen-observer';

/** Options of an observing connection to the master address, as the app's user. */
export function observing(target: Target): PlainConnectionOptions {
  return {
    address: target.master,
    database: target.database,
    user: target.user,
    password: target.password,
    tls: target.tls,
    applicationName: OBSERVER_NAME,
    connectTimeoutMs: 5_000,
    queryTimeoutMs: 60_000,
  };
}

/** Options of a connection that looks at a server now and then, and soon notices when it does not answer. */
export function watching(options: PlainConnectionOptions): PlainConnectionOptions {
  return { ...options, connectTimeoutMs: 1_000, queryTimeoutMs: 1_000 };
}
