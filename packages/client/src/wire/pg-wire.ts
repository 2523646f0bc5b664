/**
 * The wire on top of `pg`. Alone in importing it. `pg` is pinned exactly; `test/pg-contract.test.ts` holds what we
 * rely on beyond its documentation: `client.connection` and its events, `pipeline`, `lib/utils`, error texts.
 */
import type { Socket } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { Client, DatabaseError } from 'pg';
import type { ClientConfig, QueryConfig, QueryResult } from 'pg';
import pgUtils from 'pg/lib/utils.js';
import type { Alone, Submittable } from './pg-alone.ts';
import { openCopyIn, openCopyOut, openCursor } from './pg-alone.ts';
import { isAnswered, takeOver } from './pg-hand-over.ts';
import type { ConnectCallback } from './pg-hand-over.ts';
import { PLAIN_TYPES } from './plain-types.ts';
import type {
  Notice,
  Notification,
  OpenWire,
  Statement,
  Wire,
  WireCopyIn,
  WireCopyOut,
  WireCursor,
  WireTarget,
} from './wire.ts';
import { WireLostError } from './wire.ts';

/** Parts of `pg` that its types leave out. */
interface PgInternals {
  readonly connection: {
    readonly stream: Socket;
    on(event: 'copyInResponse' | 'readyForQuery' | 'end', listener: () => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    on(event: 'notice' | 'errorMessage', listener: (message: DatabaseError) => void): void;
    once(event: 'readyForQuery', listener: () => void): void;
    on(event: 'parameterStatus', listener: ParameterListener): void;
  };
  readonly connectionParameters: { options: string | undefined; replication: string | undefined };
  readonly processID: number | null;
  /** Read with each statement that is handed over, so that it may change while nothing is under way. */
  pipeline: boolean;
}

type ParameterListener = (message: { parameterName: string; parameterValue: string }) => void;

const TRANSACTION_STATUS = { I: 'idle', T: 'open', E: 'failed' } as const;

/** `end()` waits this long for the server's side to close before it destroys the socket. */
const GOODBYE_MS = 1_000;

export const openPgWire = pgWireOpener(clientConfig, leaveOutEnvironment);

/**
 * Opens wires as `pg` opens connections with a configuration of its own.
 *
 * @param configOf - asked for each connection; what it says of pipelining is not heeded.
 * @param adjust - changes what `pg` has made of it.
 */
export function pgWireOpener(
  configOf: (target: WireTarget) => ClientConfig,
  adjust: (client: Client, target: WireTarget) => void = () => {},
): OpenWire {
  return (target) => {
    const client = new Client({ ...configOf(target), pipeline: true });
    adjust(client, target);
    const wire = new PgWire(client);
    return {
      ready: connect(client, wire),
      get bytesRead() {
        return wire.bytesRead;
      },
      abandon: (reason) => wire.destroy(reason),
    };
  };
}

/**
 * Lets a client of `pg` that never connected speak on this wire from now on, as if it had connected by itself. The
 * wire goes on to know whether it is lost, what it owes and in which transaction it is; nobody else sends on it.
 *
 * @param done - as for `client.connect()`.
 */
export function handOver(wire: Wire, client: Client, done: ConnectCallback): void {
  if (!(wire instanceof PgWire)) throw new Error('only a wire on pg can be handed over to a client of pg');
  wire.handOver(client, done);
}

/** Otherwise pg sends what PGOPTIONS and PGREPLICATION say, to poolers as well, which refuse that. */
function leaveOutEnvironment(client: Client, target: WireTarget): void {
  const { connectionParameters } = client as unknown as PgInternals;
  connectionParameters.options = target.startupOptions;
  connectionParameters.replication = undefined;
}

function clientConfig(target: WireTarget): ClientConfig {
  const { host, port, database, user, password, tls, applicationName } = target;
  return {
    host,
    port,
    database,
    user,
    // As a function, so that neither an empty password nor none sends pg to the environment or to ~/.pgpass.
    password: () => password,
    application_name: applicationName,
    // An explicit false keeps PGSSLMODE of the environment from deciding.
    ssl: tls === false ? false : tlsConfig(tls.ca, tls.serverName),
    // And this one PGSSLNEGOTIATION.
    sslnegotiation: 'postgres',
    keepAlive: true,
  };
}

function tlsConfig(ca: string | Buffer | undefined, serverName: string | undefined): ClientConfig['ssl'] {
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    // pg sets `servername` to the host itself, so a name of its own can only go into the check of the certificate.
    ...(serverName === undefined
      ? {}
      : { checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate) }),
  };
}

async function connect(client: Client, wire: PgWire): Promise<Wire> {
  try {
    await Promise.race([client.connect(), wire.gone]);
    return wire;
  } catch (error) {
    const cause = withCode(error instanceof Error ? error : new Error(String(error)));
    wire.destroy(cause);
    throw cause;
  }
}

/** pg reports these cases by their text alone. */
function withCode(error: Error): Error {
  if (error.message === 'The server does not support SSL connections') {
    return Object.assign(error, { code: 'SCHOOLDB_TLS_NOT_OFFERED' });
  }
  if (/^SASL: .*client password must be/.test(error.message)) {
    return Object.assign(error, { code: 'SCHOOLDB_PASSWORD_MISSING' });
  }
  return error;
}

class PgWire implements Wire {
  #client: Client;
  #internals: PgInternals;
  /** The client is somebody else's, who sends without asking here. */
  #isHandedOver = false;
  readonly #parameterListeners: ParameterListener[] = [];
  readonly #goneListeners: (() => void)[] = [];
  readonly #unanswered = new Set<(error: WireLostError) => void>();
  /** Rejects when the connection is lost; lets an attempt to connect be given up at once. */
  readonly gone: Promise<never>;
  #rejectGone!: (error: Error) => void;
  #lostBecause: Error | undefined;
  #crashNotice: Error | undefined;
  #finishing: Error | undefined;
  /** Something keeps the connection for itself: see {@link Alone}. */
  #isAlone = false;
  readonly #alone: Alone = {
    submit: (submittable) => this.#submitAlone(submittable),
    owe: (answer) => this.#owe(answer),
    endsWith: (error) => error instanceof DatabaseError && endsConnection(error),
  };

  constructor(client: Client) {
    this.#client = client;
    this.#internals = client as unknown as PgInternals;
    this.gone = new Promise((_, reject) => (this.#rejectGone = reject));
    this.gone.catch(() => {});
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('the server closed the connection')));
    // A COPY that waits for data swallows the Sync behind it, and with it the next caller's statement.
    this.#internals.connection.on('copyInResponse', () => {
      if (!this.#isAlone) this.#lose(new Error('COPY FROM STDIN came as an ordinary statement'));
    });
    client.on('notice', (notice) => this.#noteEnd(notice));
  }

  handOver(client: Client, done: ConnectCallback): void {
    if (this.unanswered > 0 || this.#isHandedOver) throw new Error('the connection is in use');
    const { connection } = this.#internals;
    this.#isHandedOver = true;
    takeOver(this.#client, client, done);
    this.#client = client;
    this.#internals = client as unknown as PgInternals;
    // Beside the client, which is told first: its own listeners came first.
    for (const listener of this.#parameterListeners) connection.on('parameterStatus', listener);
    connection.on('notice', (notice) => this.#noteEnd(notice));
    connection.on('errorMessage', (error) => {
      if (endsConnection(error)) this.#noteEnd(error);
    });
    connection.on('error', (error) => this.#lose(error));
    connection.on('end', () => this.#lose(new Error('the connection was closed')));
  }

  get processId(): number {
    return this.#internals.processID ?? 0;
  }

  get lostBecause(): Error | undefined {
    return this.#lostBecause;
  }

  get bytesRead(): number {
    return this.#internals.connection.stream.bytesRead;
  }

  get transactionStatus(): 'idle' | 'open' | 'failed' {
    // Under a cursor or a COPY the server is in a transaction that it has not told of yet.
    return this.#isAlone ? 'open' : TRANSACTION_STATUS[this.#client.getTransactionStatus() ?? 'I'];
  }

  get unanswered(): number {
    // Of another's statements it is known whether there are any, and that is all that is asked.
    if (this.#isHandedOver) return isAnswered(this.#client) ? 0 : 1;
    return this.#unanswered.size;
  }

  async query(statement: Statement): Promise<QueryResult> {
    return (await this.#send(extended(statement))) as QueryResult;
  }

  async script(text: string): Promise<QueryResult[]> {
    const results = await this.#send({ text });
    return Array.isArray(results) ? results : [results];
  }

  async flush(statements: readonly Statement[]): Promise<PromiseSettledResult<QueryResult>[]> {
    const configs = statements.map(extended);
    const { stream } = this.#internals.connection;
    stream.cork();
    const answers = configs.map((config) => this.#send(config) as Promise<QueryResult>);
    stream.uncork();
    return Promise.allSettled(answers);
  }

  cursor({ text, values }: Statement): WireCursor {
    return openCursor(
      text,
      (values ?? []).map((value) => pgUtils.prepareValue(value)),
      this.#alone,
    );
  }

  copyIn(text: string): WireCopyIn {
    return openCopyIn(text, this.#alone);
  }

  copyOut(text: string): WireCopyOut {
    return openCopyOut(text, this.#alone);
  }

  destroy(reason: Error): void {
    this.#lose(reason);
  }

  finish(reason: Error): void {
    this.#finishing ??= reason;
    this.#finishWhenAnswered();
    // Only now: for each statement of an app it would cost something.
    if (this.#isHandedOver) this.#internals.connection.on('readyForQuery', () => this.#finishWhenAnswered());
  }

  async end(): Promise<void> {
    if (this.unanswered > 0) this.destroy(new Error('closed while a statement was unanswered'));
    if (this.#lostBecause !== undefined) return;
    const { stream } = this.#internals.connection;
    const giveUp = setTimeout(() => stream.destroy(), GOODBYE_MS);
    await this.#client.end();
    clearTimeout(giveUp);
  }

  keepProcessAlive(keep: boolean): void {
    const { stream } = this.#internals.connection;
    if (keep) stream.ref();
    else stream.unref();
  }

  onGone(listener: () => void): void {
    if (this.#lostBecause === undefined) this.#goneListeners.push(listener);
    else listener();
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    const forward = (notice: {
      severity?: string | undefined;
      code?: string | undefined;
      routine?: string | undefined;
    }) => listener({ severity: notice.severity, code: notice.code, routine: notice.routine });
    this.#client.on('notice', forward);
    return () => this.#client.off('notice', forward);
  }

  onParameter(listener: (name: string, value: string) => void): void {
    const forward: ParameterListener = (message) => listener(message.parameterName, message.parameterValue);
    this.#parameterListeners.push(forward);
    this.#internals.connection.on('parameterStatus', forward);
  }

  onNotification(listener: (notification: Notification) => void): () => void {
    const forward = (message: { channel: string; payload?: string | undefined; processId: number }) =>
      listener({ channel: message.channel, payload: message.payload ?? '', processId: message.processId });
    this.#client.on('notification', forward);
    return () => this.#client.off('notification', forward);
  }

  #send(config: QueryConfig): Promise<QueryResult | QueryResult[]> {
    const asked = this.#isHandedOver ? { ...config, types: PLAIN_TYPES } : config;
    return this.#owe<QueryResult | QueryResult[]>(() => this.#client.query(asked));
  }

  /** Asks the server for something, and holds it to its answer. */
  #owe<T>(ask: () => Promise<T>): Promise<T> {
    const closed = this.#lostBecause ?? this.#finishing;
    if (closed !== undefined) return Promise.reject(new WireLostError(false, closed));
    return new Promise((resolve, reject) => {
      this.#unanswered.add(reject);
      ask().then(
        (result) => {
          resolve(result);
          this.#answered(reject);
        },
        (error: unknown) => {
          // When the connection died, pg has emitted 'error' before, and #lose has rejected this already.
          if (this.#alone.endsWith(error)) this.#lose(error as Error);
          reject(error);
          this.#answered(reject);
        },
      );
    });
  }

  /** @returns when the server is ready for something else. */
  #submitAlone(submittable: Submittable): Promise<void> {
    // One answer is owed already: its own.
    if (this.#isAlone || this.#unanswered.size > 1) throw new Error('the connection is in use');
    const { connection } = this.#internals;
    // pg refuses this in its pipeline, where the answers to others would go astray: nobody else sends meanwhile.
    this.#isAlone = true;
    this.#internals.pipeline = false;
    return new Promise((resolve) => {
      connection.once('readyForQuery', () => {
        this.#isAlone = false;
        this.#internals.pipeline = true;
        resolve();
      });
      this.#client.query(submittable);
    });
  }

  #answered(statement: (error: WireLostError) => void): void {
    this.#unanswered.delete(statement);
    this.#finishWhenAnswered();
  }

  #finishWhenAnswered(): void {
    if (this.#finishing !== undefined && this.unanswered === 0) this.#lose(this.#finishing);
  }

  /** A crashing or stopping server says so with a notice, then closes (postgres.c, quickdie). */
  #noteEnd({ message, code }: { message?: string | undefined; code?: string | undefined }): void {
    if (code?.startsWith('57P')) this.#crashNotice = Object.assign(new Error(message), { code });
  }

  #lose(reason: Error): void {
    if (this.#lostBecause !== undefined) return;
    const cause = this.#crashNotice ?? reason;
    this.#lostBecause = cause;
    this.#internals.connection.stream.destroy();
    for (const reject of this.#unanswered) reject(new WireLostError(true, cause));
    this.#unanswered.clear();
    this.#rejectGone(cause);
    for (const listener of this.#goneListeners.splice(0)) listener();
  }
}

function endsConnection(error: DatabaseError): boolean {
  // The severity comes in the server's language; class 57P always ends the session.
  const byOperator = error.code?.startsWith('57P') === true;
  return error.severity === 'FATAL' || error.severity === 'PANIC' || byOperator;
}

/**
 * Values are turned into what goes over the wire here, before pg has seen the statement: a value that throws
 * must not leave half a statement on a connection that others use.
 */
function extended(statement: Statement): QueryConfig {
  const values = (statement.values ?? []).map((value) => pgUtils.prepareValue(value));
  return { text: statement.text, values, queryMode: 'extended' } as QueryConfig;
}
