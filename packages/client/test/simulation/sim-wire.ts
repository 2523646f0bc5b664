/** The wire of the simulation: behaves as `src/wire/pg-wire.ts` does, on a simulated network. */
import { Writable } from 'node:stream';
import type { QueryResult, QueryResultRow } from 'pg';
import type { IdentityRow } from '../../src/wire/sql.ts';
import { ASK_STANDBY, IDENTIFY } from '../../src/wire/sql.ts';
import type {
  Notice,
  Notification,
  OpenWire,
  PendingWire,
  Statement,
  Wire,
  WireCopyIn,
  WireCopyOut,
  WireCursor,
} from '../../src/wire/wire.ts';
import { WireLostError } from '../../src/wire/wire.ts';
import type { EndpointKind } from './endpoints.ts';
import type { Link, LinkClient } from './model/link.ts';
import type { Network } from './model/network.ts';
import type { Request, Response, SqlError, TransactionStatus } from './protocol.ts';
import type { SimTime } from './time.ts';

/** What a connection has been told of the server at its other end. */
export interface Told {
  readonly standby: boolean;
  readonly timeline: number | null;
}

/** Who follows what the client does with its wires. */
export interface WireObserver {
  opening(wire: SimWire): void;
  /** The answer to "who are you" has come. */
  identified(wire: SimWire, told: Told): void;
  sent(wire: SimWire, requests: readonly Request[]): void;
  answered(wire: SimWire, request: Request, error: SqlError | undefined): void;
  gone(wire: SimWire): void;
  /** The highest timeline that any answer has told the client. */
  readonly toldTimeline: number;
  note(actor: string, what: () => string): void;
}

/** What was sent together. The client learns nothing of it before all of it is answered. */
interface Packet {
  unanswered: number;
  told: Told | undefined;
}

interface Waiting {
  readonly request: Request;
  readonly packet: Packet;
  readonly resolve: (results: readonly QueryResult[]) => void;
  readonly reject: (error: Error) => void;
}

/** pg's `end()` is given up after this time, and the socket destroyed (pg-wire.ts). */
const GOODBYE_MS = 1_000;

export function simulatedWires(network: Network, time: SimTime, observer: WireObserver): OpenWire {
  let count = 0;
  return ({ host }): PendingWire => {
    count += 1;
    const wire = new SimWire(count, host as EndpointKind, network, time, observer);
    return {
      ready: wire.ready,
      get bytesRead() {
        return wire.bytesRead;
      },
      abandon: (reason) => wire.destroy(reason),
    };
  };
}

export class SimWire implements Wire, LinkClient {
  readonly name: string;
  readonly endpoint: EndpointKind;
  readonly openedAt: number;
  readonly ready: Promise<Wire>;
  processId = 0;
  lostBecause: Error | undefined;
  bytesRead = 0;
  told: Told | undefined;
  readonly #network: Network;
  readonly #time: SimTime;
  readonly #observer: WireObserver;
  readonly #link: Link;
  readonly #waiting: Waiting[] = [];
  readonly #goneListeners: (() => void)[] = [];
  readonly #noticeListeners = new Set<(notice: Notice) => void>();
  readonly #parameterListeners: ((name: string, value: string) => void)[] = [];
  readonly #notificationListeners = new Set<(notification: Notification) => void>();
  #welcome: ((wire: Wire) => void) | undefined;
  #rejectReady!: (error: Error) => void;
  #crashNotice: Error | undefined;
  #finishing: Error | undefined;
  #status: TransactionStatus = 'idle';
  /** A cursor or a COPY keeps the connection for itself. */
  #isAlone = false;

  constructor(
    count: number,
    endpoint: EndpointKind,
    network: Network,
    time: SimTime,
    observer: WireObserver,
  ) {
    this.name = `${endpoint}#${count}`;
    this.endpoint = endpoint;
    this.openedAt = time.now;
    this.#network = network;
    this.#time = time;
    this.#observer = observer;
    this.ready = new Promise((resolve, reject) => {
      this.#welcome = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => {});
    observer.opening(this);
    this.#link = network.dial(endpoint, this);
  }

  get transactionStatus(): TransactionStatus {
    // As pg-wire.ts has it: under a cursor the server is in a transaction that it has not told of yet.
    return this.#isAlone ? 'open' : this.#status;
  }

  get unanswered(): number {
    return this.#waiting.length;
  }

  async query(statement: Statement): Promise<QueryResult> {
    const [answer] = this.#send([this.#extended(statement)]);
    return (await answer!)[0]!;
  }

  async script(text: string): Promise<QueryResult[]> {
    const [answer] = this.#send([{ kind: 'script', text, from: this.#from }]);
    return [...(await answer!)];
  }

  async flush(statements: readonly Statement[]): Promise<PromiseSettledResult<QueryResult>[]> {
    const answers = this.#send(statements.map((statement) => this.#extended(statement)));
    return Promise.allSettled(answers.map(async (answer) => (await answer)[0]!));
  }

  /** Opened with its first portion. Until its end the connection is its own. */
  cursor(statement: Statement): WireCursor {
    const ask = async (request: Request): Promise<readonly QueryResult[]> => {
      const [answer] = this.#send([request]);
      return answer!;
    };
    return {
      read: async (maxRows) => {
        this.#isAlone = true;
        try {
          const [portion] = await ask({ kind: 'fetch', statement, maxRows, from: this.#from });
          const rows = portion!.rows as QueryResultRow[];
          this.#isAlone = rows.length === maxRows;
          return rows;
        } catch (error) {
          this.#isAlone = false;
          throw error;
        }
      },
      close: async () => {
        if (!this.#isAlone) return;
        await ask({ kind: 'close-portal', from: this.#from });
        this.#isAlone = false;
      },
    };
  }

  copyIn(text: string): WireCopyIn {
    const [answer] = this.#send([{ kind: 'copy', text, from: this.#from }]);
    this.#isAlone = true;
    const rowCount = answer!.then(([result]) => result!.rowCount ?? 0).finally(() => (this.#isAlone = false));
    rowCount.catch(() => {});
    const tell = (request: Request) => {
      if (this.lostBecause === undefined) this.#network.transmit(this.endpoint, this.#link, [request]);
    };
    const from = this.#from;
    const stream = new Writable({
      decodeStrings: false,
      write(data: string, _encoding, done) {
        tell({ kind: 'copy-data', data, from });
        done();
      },
      final(done) {
        tell({ kind: 'copy-done', from });
        done();
      },
      destroy(_error, done) {
        if (!this.writableFinished) tell({ kind: 'copy-fail', from });
        done(null);
      },
    });
    return { stream, rowCount };
  }

  copyOut(): WireCopyOut {
    throw new Error('COPY TO STDOUT is not simulated');
  }

  destroy(reason: Error): void {
    this.#lose(reason);
  }

  finish(reason: Error): void {
    this.#finishing ??= reason;
    if (this.#waiting.length === 0) this.#lose(reason);
  }

  async end(): Promise<void> {
    if (this.#waiting.length > 0) this.destroy(new Error('closed while a statement was unanswered'));
    if (this.lostBecause !== undefined) return;
    this.#link.goodbye();
    // The server closes its side when it has read the goodbye; where it does not, the socket is destroyed.
    await new Promise<void>((resolve) => {
      const giveUp = setTimeout(() => this.#lose(new Error('no goodbye came back')), GOODBYE_MS);
      this.onGone(() => {
        clearTimeout(giveUp);
        resolve();
      });
    });
  }

  keepProcessAlive(): void {}

  onGone(listener: () => void): void {
    if (this.lostBecause === undefined) this.#goneListeners.push(listener);
    else listener();
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    this.#noticeListeners.add(listener);
    return () => this.#noticeListeners.delete(listener);
  }

  onParameter(listener: (name: string, value: string) => void): void {
    this.#parameterListeners.push(listener);
  }

  onNotification(listener: (notification: Notification) => void): () => void {
    this.#notificationListeners.add(listener);
    return () => this.#notificationListeners.delete(listener);
  }

  /** From the network. */
  receive(response: Response): void {
    if (this.lostBecause !== undefined) return;
    this.#time.touchClient();
    this.bytesRead += 64;
    switch (response.kind) {
      case 'welcome':
        this.processId = response.processId;
        this.#welcome?.(this);
        break;
      case 'answer':
        this.#answered(response);
        break;
      case 'fatal':
        this.#lose(response.error);
        break;
      case 'notice':
        if (response.notice.code?.startsWith('57P') === true) {
          this.#crashNotice = Object.assign(new Error(response.message), { code: response.notice.code });
        }
        for (const listener of this.#noticeListeners) listener(response.notice);
        break;
      case 'notification':
        for (const listener of this.#notificationListeners) listener(response.notification);
        break;
      case 'parameter':
        if (response.name === 'in_hot_standby' && this.told !== undefined) {
          this.told = { standby: response.value === 'on', timeline: null };
        }
        for (const listener of this.#parameterListeners) listener(response.name, response.value);
    }
  }

  /** From the network. */
  closed(cause: Error): void {
    this.#time.touchClient();
    this.#lose(cause);
  }

  #answered({ results, error, status }: Response & { kind: 'answer' }): void {
    this.#status = status;
    const waiting = this.#waiting.shift()!;
    this.#observer.answered(this, waiting.request, error);
    if (error === undefined) this.#learn(waiting, results[0]);
    waiting.packet.unanswered -= 1;
    if (waiting.packet.unanswered === 0 && waiting.packet.told !== undefined) {
      this.told = waiting.packet.told;
      this.#observer.identified(this, this.told);
    }
    if (error !== undefined) waiting.reject(error);
    else waiting.resolve(results);
    if (this.#finishing !== undefined) this.finish(this.#finishing);
  }

  #learn({ request, packet }: Waiting, result: QueryResult | undefined): void {
    if (request.kind !== 'query') return;
    const { text } = request.statement;
    if (text === IDENTIFY) {
      const { standby, timeline } = result!.rows[0] as IdentityRow;
      packet.told = { standby, timeline };
    } else if (text === ASK_STANDBY && this.told !== undefined) {
      const { standby } = result!.rows[0] as Pick<IdentityRow, 'standby'>;
      if (standby !== this.told.standby) this.told = { standby, timeline: null };
    }
  }

  #send(requests: readonly Request[]): Promise<readonly QueryResult[]>[] {
    const closed = this.lostBecause ?? this.#finishing;
    if (closed !== undefined) return requests.map(() => Promise.reject(new WireLostError(false, closed)));
    const isOfCursor = requests.every(({ kind }) => kind === 'fetch' || kind === 'close-portal');
    if (this.#isAlone && !isOfCursor)
      throw new Error('the connection is in use: a cursor or a COPY is open on it');
    const packet: Packet = { unanswered: requests.length, told: undefined };
    const answers = requests.map(
      (request) =>
        new Promise<readonly QueryResult[]>((resolve, reject) =>
          this.#waiting.push({ request, packet, resolve, reject }),
        ),
    );
    this.#observer.sent(this, requests);
    this.#network.transmit(this.endpoint, this.#link, requests);
    return answers;
  }

  #extended(statement: Statement): Request {
    return { kind: 'query', statement, from: this.#from };
  }

  get #from(): Request['from'] {
    return { endpoint: this.endpoint, toldTimeline: this.#observer.toldTimeline };
  }

  #lose(reason: Error): void {
    if (this.lostBecause !== undefined) return;
    const cause = this.#crashNotice ?? reason;
    this.lostBecause = cause;
    this.#link.closeByClient();
    this.#rejectReady(cause);
    const waiting = this.#waiting.splice(0);
    for (const { reject } of waiting) reject(new WireLostError(true, cause));
    this.#observer.note(this.name, () => `is gone: ${cause.message}`);
    this.#observer.gone(this);
    for (const listener of this.#goneListeners.splice(0)) listener();
  }
}
