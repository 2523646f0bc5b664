/**
 * What the servers themselves have written down of their connections. Samples of `pg_stat_activity` miss what is
 * shorter than their period, and a dead server can't be asked; its log is still there.
 */

/** Settings with which a server writes down what {@link ServerLog} reads. */
export const LOG_SETTINGS: Record<string, string> = {
  log_connections: 'on',
  log_disconnections: 'on',
  // Time in milliseconds since 1970, process, SQLSTATE, application.
  log_line_prefix: '%n|%p|%e|%a|',
};

/** One connection in the eyes of its server; moments are milliseconds since 1970. */
export interface LoggedConnection {
  application: string;
  /** When the server took it, before TLS and login. */
  receivedAt: number;
  authorizedAt: number;
  /** Infinity while it is open. */
  endedAt: number;
}

export interface LoggedStatement {
  at: number;
  pid: number;
  application: string;
}

const LINE = /^(\d+\.\d+)\|(\d+)\|(\w{5})\|(.*?)\|(\w+): {2}(.*)$/;
const MS_PER_SECOND = 1_000;
const TOO_MANY_CONNECTIONS = '53300';

/** Reads one server's log, in pieces as it grows. */
export class ServerLog {
  readonly connections: LoggedConnection[] = [];
  readonly statements: LoggedStatement[] = [];
  /** When a client was told that there are too many. */
  readonly refusals: number[] = [];
  readonly #received = new Map<string, number>();
  readonly #open = new Map<string, LoggedConnection>();
  #rest = '';

  add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#read(line);
  }

  #read(line: string): void {
    const match = LINE.exec(line);
    // Details and the further lines of a statement have no prefix.
    if (match === null) return;
    const [, seconds, pid, sqlState, application, , message] = match as unknown as string[] & { length: 7 };
    const at = Number(seconds) * MS_PER_SECOND;
    if (sqlState === TOO_MANY_CONNECTIONS) this.refusals.push(at);
    if (message!.startsWith('connection received:')) this.#received.set(pid!, at);
    else if (message!.startsWith('connection authorized:')) this.#authorized(pid!, at, message!);
    else if (message!.startsWith('disconnection:')) this.#ended(pid!, at);
    // A server that died could not write down the end of its connections.
    else if (message!.startsWith('starting PostgreSQL'))
      for (const known of this.#open.keys()) this.#ended(known, at);
    else if (/^(?:statement|execute [^:]*): /.test(message!))
      this.statements.push({ at, pid: Number(pid), application: application! });
  }

  #authorized(pid: string, at: number, message: string): void {
    const application = / application_name=(.*?)(?: SSL enabled.*)?$/.exec(message)?.[1] ?? '';
    const connection = {
      application,
      receivedAt: this.#received.get(pid) ?? at,
      authorizedAt: at,
      endedAt: Infinity,
    };
    this.connections.push(connection);
    this.#open.set(pid, connection);
  }

  #ended(pid: string, at: number): void {
    const connection = this.#open.get(pid);
    if (connection !== undefined) connection.endedAt = at;
    this.#open.delete(pid);
    this.#received.delete(pid);
  }
}

export interface Connects {
  /** Connections that were made. */
  total: number;
  /** The most that were being opened at one time, from their arrival to the end of the login. */
  mostAtATime: number;
  /** The most that were made within any one second. */
  mostPerSecond: number;
  /** The most that were open at one time. */
  mostOpen: number;
}

/** What one application's connections to one server amount to between two moments. */
export function connectsOf(
  connections: readonly LoggedConnection[],
  application: string,
  from: number,
  to: number,
): Connects {
  const own = connections.filter((connection) => connection.application === application);
  const made = own.filter(({ authorizedAt }) => authorizedAt >= from && authorizedAt < to);
  const times = made.map(({ authorizedAt }) => authorizedAt).sort((a, b) => a - b);
  return {
    total: made.length,
    mostAtATime: mostOverlapping(made.map(({ receivedAt, authorizedAt }) => [receivedAt, authorizedAt])),
    mostPerSecond: Math.max(
      0,
      ...times.map((start, index) => times.slice(index).filter((at) => at < start + MS_PER_SECOND).length),
    ),
    mostOpen: mostOverlapping(
      own
        .filter(({ authorizedAt, endedAt }) => authorizedAt < to && endedAt >= from)
        .map(({ authorizedAt, endedAt }) => [Math.max(authorizedAt, from), endedAt]),
    ),
  };
}

/** How many intervals share a moment, at most. One that ends as another begins does not meet it. */
function mostOverlapping(intervals: readonly (readonly [number, number])[]): number {
  const steps = intervals.flatMap(([start, end]) => [
    { at: start, change: 1 },
    { at: end, change: -1 },
  ]);
  steps.sort((a, b) => a.at - b.at || a.change - b.change);
  let open = 0;
  let most = 0;
  for (const { change } of steps) most = Math.max(most, (open += change));
  return most;
}
