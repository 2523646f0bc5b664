import type { Readable, Writable } from 'node:stream';
import type { QueryResult, QueryResultRow } from 'pg';

/**
 * One connection to one server, as everything above knows it. `pg-wire.ts` makes it from a `pg.Client`; tests put a
 * simulated one in its place.
 */
export interface Wire {
  /** The backend's process number, as the server told on connecting. */
  readonly processId: number;
  /** Why the connection is gone; undefined while it is open. */
  readonly lostBecause: Error | undefined;
  /** Bytes received so far: whoever compares two readings knows whether the server gave a sign of life. */
  readonly bytesRead: number;
  /** What the server said of its transaction when it was last ready: idle, in a transaction, or in a failed one. */
  readonly transactionStatus: 'idle' | 'open' | 'failed';
  /** Statements that were handed over and are not answered yet. */
  readonly unanswered: number;

  /**
   * Runs one statement by the extended protocol, so that the server refuses a text that holds several.
   *
   * @throws the server's own error, {@link WireLostError}, or whatever a value throws while it is serialised (then
   * nothing was sent).
   */
  query(statement: Statement): Promise<QueryResult>;
  /** Runs a text with several statements by the simple protocol. It stops at the first error. */
  script(text: string): Promise<QueryResult[]>;
  /** Sends statements in one packet without waiting in between. A failed one does not keep the later from running. */
  flush(statements: readonly Statement[]): Promise<PromiseSettledResult<QueryResult>[]>;
  /**
   * Opens a cursor for one statement. Until it is closed nothing else can be sent on this connection; nothing may be
   * unanswered when it is opened.
   */
  cursor(statement: Statement): WireCursor;
  /** Runs a COPY … FROM STDIN; as with a cursor, nothing else can be sent meanwhile. */
  copyIn(text: string): WireCopyIn;
  /** Runs a COPY … TO STDOUT; as with a cursor, nothing else can be sent meanwhile. */
  copyOut(text: string): WireCopyOut;
  /** Closes at once. Everything unanswered rejects with a {@link WireLostError} that carries `reason`. */
  destroy(reason: Error): void;
  /**
   * Takes no further statement, and closes as soon as nothing is unanswered: at once where nothing is. Statements
   * that come later reject as not sent.
   */
  finish(reason: Error): void;
  /** Says goodbye and closes; resolves when the socket is gone. Destroys where a statement is unanswered. */
  end(): Promise<void>;
  /** Whether the socket alone keeps the process running. */
  keepProcessAlive(keep: boolean): void;

  /** Called once, when the connection is lost or closed, whoever began it. */
  onGone(listener: () => void): void;
  /** The server's notices and warnings. */
  onNotice(listener: (notice: Notice) => void): () => void;
  /** Settings that the server reports by itself, for example `in_hot_standby`. */
  onParameter(listener: (name: string, value: string) => void): void;
  /** What arrives on channels that the session listens to. */
  onNotification(listener: (notification: Notification) => void): () => void;
}

/** The rows of one statement, in portions. */
export interface WireCursor {
  /**
   * The next rows; fewer than `maxRows` at the end only, when the cursor is closed by itself.
   *
   * @throws the server's own error, which closes the cursor, or {@link WireLostError}.
   */
  read(maxRows: number): Promise<QueryResultRow[]>;
  /** Gives up the rows that are left, and resolves when the connection is free. Not while a `read` is unanswered. */
  close(): Promise<void>;
}

export interface WireCopyIn {
  /** Takes the data; its end ends the COPY, its destruction makes the server roll it back. */
  readonly stream: Writable;
  /** How many rows the server has taken, when it is ready again. Rejects as {@link Wire.query} does. */
  readonly rowCount: Promise<number>;
}

export interface WireCopyOut {
  /** Reading from it takes the data from the socket; it is to be read to its end, or the connection destroyed. */
  readonly stream: Readable;
  /** How many rows the server has sent, when it is ready again. Rejects as {@link Wire.query} does. */
  readonly rowCount: Promise<number>;
}

/** PostgreSQL manual, "NOTIFY". */
export interface Notification {
  readonly channel: string;
  /** Empty where the sender gave none. */
  readonly payload: string;
  /** The backend that sent it. */
  readonly processId: number;
}

export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[] | undefined;
}

export interface Notice {
  readonly severity: string | undefined;
  readonly code: string | undefined;
  /** The C function in the server that reported it: the same in every language of the messages. */
  readonly routine: string | undefined;
}

/** Where to and as whom. */
export interface WireTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly tls: TlsOptions | false;
  readonly applicationName: string;
  /** Settings for the session, as libpq's `options`. */
  readonly startupOptions?: string | undefined;
}

/** The certificate is always checked, host name included. */
export interface TlsOptions {
  /** Certificates to trust, PEM. Default: those that Node trusts. */
  readonly ca?: string | Buffer | undefined;
  /** The name to look for in the certificate. Default: the host that is connected to. */
  readonly serverName?: string | undefined;
}

/** An attempt to connect that is under way. */
export interface PendingWire {
  /** Rejects with the server's, the socket's or TLS's own error; its `code` tells which. */
  readonly ready: Promise<Wire>;
  /** Bytes received so far: an attempt that advances is not a hung one. */
  readonly bytesRead: number;
  /** Gives up; `ready` rejects with `reason` if it has not settled. */
  abandon(reason: Error): void;
}

export type OpenWire = (target: WireTarget) => PendingWire;

/** The connection went away under a statement, or was gone before it. */
export class WireLostError extends Error {
  override readonly name = 'WireLostError';
  /** False where it was gone before anything of the statement was handed to it. */
  readonly sent: boolean;

  constructor(sent: boolean, cause: Error) {
    super(`the connection was lost: ${cause.message}`, { cause });
    this.sent = sent;
  }
}
