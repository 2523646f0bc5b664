import { pause } from './pause.ts';
import { PlainConnection } from '../drivers/plain-connection.ts';
import type { PlainConnectionOptions } from '../drivers/plain-connection.ts';

export interface WatchedServer {
  name: string;
  /** The server itself where it is known, else the master address. */
  connection: PlainConnectionOptions;
}

/** What a server answered last. */
export interface ServerSample {
  name: string;
  /** `silent`: it does not answer. */
  role: 'primary' | 'standby' | 'silent';
  timeline: number | null;
  /** Client connections of the driver under test. */
  connections: number;
}

export interface ConnectionsSeen {
  /** The most at one server at one time. */
  mostAtOneServer: number;
  /** The most at all servers together at one time. */
  mostInTotal: number;
  samples: number;
}

const POLL_MS = 200;

// Not counted: what watches and verifies has names of its own, and the cluster's housekeeping is no client backend.
const LOOK = `
  select (select count(*)::int from pg_stat_activity
           where backend_type = 'client backend' and application_name = $1) as connections,
         pg_is_in_recovery() as standby,
         case when pg_is_in_recovery() then null
              else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline`;

/** Looks at every server five times a second over a connection of its own. */
export class ServerWatch {
  readonly #applicationName: string;
  readonly #samples: ServerSample[];
  readonly #watches: Promise<void>[];
  readonly #stop = new AbortController();
  readonly #seen: ConnectionsSeen = { mostAtOneServer: 0, mostInTotal: 0, samples: 0 };

  constructor(servers: readonly WatchedServer[], applicationName: string) {
    this.#applicationName = applicationName;
    this.#samples = servers.map(({ name }) => silent(name));
    this.#watches = servers.map((server, index) => this.#watch(server, index));
  }

  latest(): readonly ServerSample[] {
    return this.#samples;
  }

  seen(): ConnectionsSeen {
    return { ...this.#seen };
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#watches);
  }

  async #watch(server: WatchedServer, index: number): Promise<void> {
    let connection: PlainConnection | null = null;
    while (!this.#stop.signal.aborted) {
      try {
        connection ??= await PlainConnection.open(server.connection);
        const { rows } = await connection.query(LOOK, [this.#applicationName]);
        this.#note(index, sampleOf(server.name, rows[0]!));
      } catch {
        connection?.destroy();
        connection = null;
        this.#samples[index] = silent(server.name);
      }
      await pause(POLL_MS, this.#stop.signal);
    }
    connection?.destroy();
  }

  #note(index: number, sample: ServerSample): void {
    this.#samples[index] = sample;
    const total = this.#samples.reduce((sum, { connections }) => sum + connections, 0);
    this.#seen.mostAtOneServer = Math.max(this.#seen.mostAtOneServer, sample.connections);
    this.#seen.mostInTotal = Math.max(this.#seen.mostInTotal, total);
    this.#seen.samples++;
  }
}

function silent(name: string): ServerSample {
  return { name, role: 'silent', timeline: null, connections: 0 };
}

function sampleOf(name: string, row: Record<string, unknown>): ServerSample {
  return {
    name,
    role: row['standby'] === true ? 'standby' : 'primary',
    timeline: row['timeline'] as number | null,
    connections: Number(row['connections']),
  };
}
