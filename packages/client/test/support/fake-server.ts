import { Readable, Writable } from 'node:stream';
import type { QueryResult } from 'pg';
import type { Connection } from '../../src/endpoint/connection.ts';
import { Replayed } from '../../src/endpoint/replayed.ts';
import type { ServerIdentity } from '../../src/policy/topology.ts';
import {
  ASK_REPLAYED,
  ASK_REPLAYED_AND_LINEAGE,
  POSITION_FLUSHED,
  POSITION_INSERTED,
} from '../../src/wire/sql.ts';
import type {
  Notice,
  Notification,
  PendingWire,
  Statement,
  Wire,
  WireCopyIn,
  WireCopyOut,
  WireCursor,
} from '../../src/wire/wire.ts';
import { WireLostError } from '../../src/wire/wire.ts';

/** Answers one statement; throws an Error with a `code` for an SQL error; {@link SILENCE} for no answer at all. */
export type Answer = (text: string, wire: FakeWire) => QueryResult | Promise<QueryResult>;

const QUESTIONS: ReadonlySet<string> = new Set([
  ASK_REPLAYED,
  ASK_REPLAYED_AND_LINEAGE,
  POSITION_FLUSHED,
  POSITION_INSERTED,
]);

export const SILENCE: Promise<never> = new Promise(() => {});

/** A server that exists only as its answers. Counts what a client did to it. */
export class FakeServer {
  readonly identity: ServerIdentity;
  readonly wires = new Set<FakeWire>();
  readonly texts: string[] = [];
  /** The client's questions where it stands, which are in none of the texts. */
  readonly questions: string[] = [];
  hasCommitSlots = true;
  hasLineage = true;
  /** How far its WAL goes: written as a primary, replayed as a standby. */
  lsn = 100;
  /** The timeline that it streams as a standby. */
  streams: number | null = 1;
  /** What its clock says, in seconds since 1970. */
  time = 1_800_000_000;
  answer: Answer = () => result('SELECT');
  /** The pieces of every COPY that came in. */
  readonly copied: string[] = [];
  /** Said to the first piece of a COPY. */
  copyRefusal: Error | undefined;
  /** Takes connections and statements and says nothing. */
  frozen = false;
  /** Thrown at whoever connects. */
  refusal: Error | undefined;
  connects = 0;
  openAtMost = 0;

  constructor(identity: Partial<ServerIdentity> = {}) {
    this.identity = { server: 'pg1', systemId: '1', role: 'primary', timeline: 1, ...identity };
  }

  open(): PendingWire {
    this.connects += 1;
    const wire = new FakeWire(this);
    return {
      ready: this.#ready(wire),
      get bytesRead() {
        return wire.bytesRead;
      },
      abandon: (reason) => wire.destroy(reason),
    };
  }

  /** A connection as the connector would make it. */
  async connect(): Promise<Connection> {
    const wire = (await this.open().ready) as FakeWire;
    const { identity, hasCommitSlots, hasLineage, time: serverEpoch } = this;
    const peer = identity.server;
    return {
      wire,
      address: { host: 'fake', port: 5432 },
      identity,
      pooled: false,
      peer,
      hasCommitSlots,
      hasLineage,
      replayed: new Replayed(),
      backendStart: '',
      serverEpoch,
    };
  }

  /** What SIGKILL does: every connection is gone at once. */
  die(): void {
    for (const wire of this.wires) wire.destroy(sqlError('ECONNRESET'));
  }

  async #ready(wire: FakeWire): Promise<Wire> {
    if (this.refusal !== undefined) throw this.refusal;
    if (this.frozen) await wire.lost;
    this.wires.add(wire);
    this.openAtMost = Math.max(this.openAtMost, this.wires.size);
    return wire;
  }
}

export class FakeWire implements Wire {
  readonly server: FakeServer;
  readonly processId = 1;
  readonly lost: Promise<never>;
  transactionStatus: 'idle' | 'open' | 'failed' = 'idle';
  bytesRead = 1;
  unanswered = 0;
  lostBecause: Error | undefined;
  readonly #gone: (() => void)[] = [];
  readonly #notices = new Set<(notice: Notice) => void>();
  readonly #notifications = new Set<(notification: Notification) => void>();
  #parameter: (name: string, value: string) => void = () => {};
  #reject!: (error: Error) => void;
  #finishing: Error | undefined;

  constructor(server: FakeServer) {
    this.server = server;
    this.lost = new Promise((_, reject) => (this.#reject = reject));
    this.lost.catch(() => {});
  }

  async query(statement: Statement): Promise<QueryResult> {
    const closed = this.lostBecause ?? this.#finishing;
    if (closed !== undefined) throw new WireLostError(false, closed);
    const { texts, questions } = this.server;
    (QUESTIONS.has(statement.text) ? questions : texts).push(statement.text);
    this.unanswered += 1;
    try {
      if (this.server.frozen) await this.lost;
      const answered = Promise.resolve().then(() => this.server.answer(statement.text, this));
      const answer = await Promise.race([answered, this.lost]);
      if (statement.text.startsWith('BEGIN')) this.transactionStatus = 'open';
      if (statement.text === 'COMMIT' || statement.text === 'ROLLBACK') this.transactionStatus = 'idle';
      return answer;
    } finally {
      this.unanswered -= 1;
      this.bytesRead += 1;
      if (this.#finishing !== undefined) this.finish(this.#finishing);
    }
  }

  async script(text: string): Promise<QueryResult[]> {
    const results: QueryResult[] = [];
    for (const part of text.split(';')) results.push(await this.query({ text: part.trim() }));
    return results;
  }

  flush(statements: readonly Statement[]): Promise<PromiseSettledResult<QueryResult>[]> {
    return Promise.allSettled(statements.map((statement) => this.query(statement)));
  }

  /** The answer's rows, in portions. */
  cursor(statement: Statement): WireCursor {
    let answer: Promise<QueryResult> | undefined;
    let read = 0;
    return {
      read: async (maxRows) => {
        if (this.lostBecause !== undefined) throw new WireLostError(false, this.lostBecause);
        answer ??= this.query(statement);
        this.transactionStatus = 'open';
        const { rows } = await answer.finally(() => (this.transactionStatus = 'idle'));
        const portion = rows.slice(read, read + maxRows);
        read += portion.length;
        if (portion.length === maxRows) this.transactionStatus = 'open';
        return portion;
      },
      close: async () => void (this.transactionStatus = 'idle'),
    };
  }

  /** Refused by an answer that throws when the first piece comes; told of an end of its stream it answers the text. */
  copyIn(text: string): WireCopyIn {
    const { server } = this;
    const done = Promise.withResolvers<number>();
    done.promise.catch(() => {});
    this.lost.catch(done.reject);
    const stream = new Writable({
      highWaterMark: 8,
      write: (piece: Buffer, _encoding, taken) => {
        server.copied.push(String(piece));
        if (server.copyRefusal !== undefined) done.reject(server.copyRefusal);
        setImmediate(taken);
      },
      final: (ended) => {
        this.query({ text }).then(({ rowCount }) => done.resolve(rowCount ?? 0), done.reject);
        ended();
      },
      destroy: (error, closed) => {
        if (error !== null) done.reject(sqlError('57014'));
        closed(null);
      },
    });
    return { stream, rowCount: done.promise };
  }

  /** Sends the column `piece` of each row of the answer. */
  copyOut(text: string): WireCopyOut {
    const answer = this.query({ text });
    const pieces = async function* () {
      for (const { piece } of (await answer).rows as { piece: string }[]) yield Buffer.from(piece);
    };
    const stream = Readable.from(pieces(), { objectMode: true });
    stream.on('error', () => {});
    return { stream, rowCount: answer.then(({ rowCount }) => rowCount ?? 0) };
  }

  destroy(reason: Error): void {
    if (this.lostBecause !== undefined) return;
    this.lostBecause = reason;
    this.server.wires.delete(this);
    this.#reject(new WireLostError(true, reason));
    for (const listener of this.#gone.splice(0)) listener();
  }

  finish(reason: Error): void {
    this.#finishing ??= reason;
    if (this.unanswered === 0) this.destroy(reason);
  }

  async end(): Promise<void> {
    this.destroy(new Error('ended'));
  }

  keepProcessAlive(): void {}

  onGone(listener: () => void): void {
    if (this.lostBecause === undefined) this.#gone.push(listener);
    else listener();
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    this.#notices.add(listener);
    return () => this.#notices.delete(listener);
  }

  onParameter(listener: (name: string, value: string) => void): void {
    this.#parameter = listener;
  }

  onNotification(listener: (notification: Notification) => void): () => void {
    this.#notifications.add(listener);
    return () => this.#notifications.delete(listener);
  }

  /** Delivers what somebody has sent with NOTIFY. */
  deliver(channel: string, payload = ''): void {
    for (const listener of this.#notifications) listener({ channel, payload, processId: 2 });
  }

  notify(notice: Partial<Notice>): void {
    const full = { severity: undefined, code: undefined, routine: undefined, ...notice };
    for (const listener of this.#notices) listener(full);
  }

  report(name: string, value: string): void {
    this.#parameter(name, value);
  }
}

export function result(command: string, rows: Record<string, unknown>[] = []): QueryResult {
  return { command, rows, rowCount: rows.length, oid: 0, fields: [] };
}

export function sqlError(code: string): Error {
  return Object.assign(new Error(`error ${code}`), { code });
}
