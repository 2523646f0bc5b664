/**
 * One session on a server: takes requests in order, one at a time, and keeps the transaction.
 *
 *   idle       nothing to do: `idle` outside a transaction, `open` or `failed` inside one
 *   busy       a request is being worked on; it may wait for a row lock or for the synchronous standby
 *   gone       terminated, crashed or hung up
 *
 * A client that hangs up is noticed when its turn comes: whatever it sent before is still done, COMMIT included. That
 * is what makes a frozen server dangerous.
 */
import type { QueryResult } from 'pg';
import type { Timer } from '../../../src/runtime/clock.ts';
import type { CloseKind, Peer, Reply, Request, SentFrom, TransactionStatus } from '../protocol.ts';
import { SqlError, rowsOf } from '../protocol.ts';
import { Belongings } from './belongings.ts';
import type { Session, SessionHost } from './session.ts';
import { answerTo } from './questions.ts';
import { isExempt, nameOf, parse, parseScript } from './statements.ts';
import type { Command } from './statements.ts';
import type { CommitPhase } from './observer.ts';
import type { ChannelMessage, Change, Slot, WalRecord } from './wal.ts';

type Done = (result: QueryResult | SqlError) => void;

/** How long PostgreSQL waits before it looks for a deadlock (its default `deadlock_timeout`). */
const DEADLOCK_TIMEOUT_MS = 1_000;
const HANG_UP = 'hang-up';

export class Backend implements Peer, Session {
  readonly processId: number;
  readonly start: string;
  readonly #server: SessionHost;
  readonly belongings: Belongings;
  readonly #reply: Reply;
  readonly #queue: (Request | typeof HANG_UP)[] = [];
  #busy = false;
  #gone = false;
  #status: TransactionStatus = 'idle';
  /** A transaction that began on a standby can't write after its promotion either (xact.c, StartTransaction). */
  #readOnly = false;
  #staged: Change[] = [];
  /** Of the transaction, once it needs one. */
  #xid: number | undefined;
  /** What a COPY has brought so far. */
  #copied: string[] | undefined;
  #committing = false;
  /** An order to end that came while a commit was being flushed: obeyed as soon as that can be interrupted. */
  #endsWith: SqlError | undefined;
  /** What `in_hot_standby` was when the client last heard of it. */
  #toldStandby: boolean;
  #idleInTransactionMs = 0;
  #checksClient = false;
  #idleTimer: Timer | undefined;

  constructor(server: SessionHost, reply: Reply, processId: number, start: string) {
    this.#server = server;
    this.#reply = reply;
    this.processId = processId;
    this.start = start;
    this.belongings = new Belongings(server, this);
    this.#toldStandby = server.role === 'standby';
  }

  get gone(): boolean {
    return this.#gone;
  }

  get name(): string {
    return `${this.#server.name}/${this.processId}`;
  }

  get status(): TransactionStatus {
    return this.#status;
  }

  get xid(): number | undefined {
    return this.#xid;
  }

  get idleInTransaction(): boolean {
    return !this.isActive && this.#status !== 'idle';
  }

  /** With a portal, or in a COPY, it is in the middle of its statement. */
  get isActive(): boolean {
    return this.#busy || this.belongings.hasPortal || this.#copied !== undefined;
  }

  get isIdle(): boolean {
    return !this.isActive && this.#queue.length === 0 && this.#status === 'idle';
  }

  receive(request: Request): void {
    if (this.#gone) return;
    this.#queue.push(request);
    this.#pump();
  }

  hangUp(how: CloseKind): void {
    if (this.#gone) return;
    // A reset may throw away what the kernel holds unread.
    if (how === 'reset') this.#queue.length = 0;
    this.#queue.push(HANG_UP);
    this.#pump();
    if (!this.#gone && this.#busy && this.#checksClient) {
      this.#server.after(5_000, () =>
        this.terminate(new SqlError('08006', 'connection to client lost', 'FATAL')),
      );
    }
  }

  /** A commit that waits for the standby stays committed. */
  terminate(error: SqlError): void {
    if (this.#gone) return;
    if (this.#server.sync.isWaiting(this)) {
      // syncrep.c: the wait is given up, the client is warned and not answered, the transaction is committed here.
      this.#warn(error.code, 'SyncRepWaitForLSN', 'canceling the wait and terminating connection');
      this.#gone = true;
      this.#server.sync.giveUp(this);
      this.#leave(undefined);
      return;
    }
    if (this.#committing) this.#endsWith = error;
    else this.#leave(error);
  }

  /** The server crashes under it: a last notice, then nothing (postgres.c, quickdie). */
  crash(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.belongings.end();
    this.#warn('57P02', 'quickdie', 'terminating connection because of a crash');
    this.#reply.close('fin');
  }

  /** Gone without a word, as by SIGKILL. */
  vanish(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.belongings.end();
    this.#reply.close('reset');
  }

  /** Notifications were committed. One that is in a transaction tells its client afterwards. */
  hear(messages: readonly ChannelMessage[], processId: number): void {
    if (!this.belongings.hear(messages, processId)) return;
    this.#server.after(this.#server.serviceMs(), () => {
      if (this.isIdle && !this.#gone) this.#tellHeard();
    });
  }

  #tellHeard(): void {
    for (const notification of this.belongings.takeHeard())
      this.#reply.send({ kind: 'notification', notification });
  }

  cutLink(): void {
    this.#reply.network?.cut();
  }

  /** For faults: nothing passes between this session and its client. @returns what ends that. */
  swallowLink(): () => void {
    const { network } = this.#reply;
    network?.swallow('both');
    return () => network?.giveBack();
  }

  #pump(): void {
    if (this.#busy || this.#gone) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#idleTimer?.cancel();
    this.#busy = true;
    this.#server.after(this.#server.serviceMs(), () => {
      if (this.#gone) return;
      if (next === HANG_UP) this.#leave(undefined);
      else this.#serve(next);
    });
  }

  #serve(request: Request): void {
    if (request.kind === 'fetch') {
      this.#fetch(request);
      return;
    }
    if (request.kind === 'close-portal') {
      this.belongings.closePortal();
      this.#answer([], undefined);
      return;
    }
    if (request.kind === 'copy') {
      this.#beginCopy(request);
      return;
    }
    if (request.kind === 'copy-data') {
      this.#copied?.push(request.data);
      this.#goOn();
      return;
    }
    if (!('statement' in request || 'text' in request)) {
      this.#endCopy(request.kind === 'copy-done');
      return;
    }
    const commands = request.kind === 'query' ? [parse(request.statement)] : parseScript(request.text);
    if (this.#status === 'idle') this.#readOnly = this.#server.role === 'standby';
    const commits = commands.some((command) => command.kind === 'commit');
    const run = () => this.#runFrom(commands, 0, [], request.from);
    if (commits) this.#strike('arrived', run);
    else run();
  }

  #fetch({ statement, maxRows, from }: Request & { kind: 'fetch' }): void {
    if (!this.belongings.hasPortal) {
      const command = parse(statement);
      if (command.kind !== 'stream') throw new Error(`no cursor is simulated for ${statement.text}`);
      this.#server.observer.note(this.name, () => nameOf(command));
      this.#server.observer.reached(this.#server, command, from, this);
      const rows = [...this.#server.data.rows];
      this.#server.observer.opened(command.reader, rows);
      this.belongings.openPortal(rows);
    }
    this.#answer([this.belongings.fetch(maxRows)], undefined);
  }

  /** In a transaction, as the client always does it. */
  #beginCopy({ text, from }: Request & { kind: 'copy' }): void {
    if (this.#status !== 'open') {
      this.#answer([], new SqlError('25P02', 'current transaction is aborted'));
      return;
    }
    const command = parse({ text });
    this.#server.observer.note(this.name, () => nameOf(command));
    this.#server.observer.reached(this.#server, command, from, this);
    if (this.#readOnly) {
      this.#fail(new SqlError('25006', 'cannot execute COPY FROM in a read-only transaction'));
      return;
    }
    this.#copied = [];
    this.#goOn();
  }

  /** Without an answer. */
  #goOn(): void {
    this.#busy = false;
    this.#pump();
  }

  /** What comes when it has failed already is ignored. */
  #endCopy(isDone: boolean): void {
    const data = this.#copied;
    this.#copied = undefined;
    if (data === undefined) {
      this.#goOn();
      return;
    }
    if (!isDone) {
      this.#fail(new SqlError('57014', 'COPY from stdin failed'));
      return;
    }
    const keys = data
      .join('')
      .split('\n')
      .filter((line) => line !== '');
    for (const key of keys) this.#staged.push({ kind: 'insert', key });
    this.#answer([{ ...rowsOf('COPY'), rowCount: keys.length }], undefined);
  }

  #runFrom(commands: readonly Command[], at: number, results: QueryResult[], from: SentFrom): void {
    const command = commands[at];
    if (command === undefined) {
      this.#endOfMessage(results);
      return;
    }
    this.#server.observer.note(this.name, () => nameOf(command));
    if (this.#status !== 'failed' && !isExempt(command)) {
      this.#server.observer.reached(this.#server, command, from, this);
    }
    this.#execute(command, (result) => {
      if (this.#gone) return;
      if (result instanceof SqlError) this.#fail(result);
      else this.#runFrom(commands, at + 1, [...results, result], from);
    });
  }

  /** What was done outside BEGIN and COMMIT commits by itself. */
  #endOfMessage(results: QueryResult[]): void {
    if (this.#status !== 'idle' || this.#staged.length === 0) {
      if (this.#status === 'idle') this.#endXact();
      this.#answer(results, undefined);
      return;
    }
    this.#commit(() => this.#answer(results, undefined));
  }

  /** The transaction is over: its locks are free. */
  #endXact(): void {
    this.#xid = undefined;
    this.#server.locks.release(this);
  }

  #fail(error: SqlError): void {
    this.#staged = [];
    this.#endXact();
    if (this.#status === 'open') this.#status = 'failed';
    this.#answer([], error);
  }

  #answer(results: readonly QueryResult[], error: SqlError | undefined): void {
    if (this.#toldStandby && this.#server.role === 'primary') {
      this.#toldStandby = false;
      this.#reply.send({ kind: 'parameter', name: 'in_hot_standby', value: 'off' });
    }
    if (this.#status === 'idle' && !this.belongings.hasPortal) this.#tellHeard();
    this.#server.observer.note(this.name, () => (error === undefined ? 'answers' : `answers ${error.code}`));
    this.#reply.send({ kind: 'answer', results, error, status: this.#status });
    this.#busy = false;
    if (this.#endsWith !== undefined) {
      this.#leave(this.#endsWith);
      return;
    }
    this.#pump();
    if (this.idleInTransaction && this.#idleInTransactionMs > 0) this.#watchIdleness();
  }

  #watchIdleness(): void {
    this.#idleTimer = this.#server.after(this.#idleInTransactionMs, () => {
      if (this.idleInTransaction)
        this.terminate(new SqlError('25P03', 'idle-in-transaction timeout', 'FATAL'));
    });
  }

  #execute(command: Command, done: Done): void {
    if (this.#status === 'failed' && command.kind !== 'commit' && command.kind !== 'rollback') {
      done(new SqlError('25P02', 'current transaction is aborted'));
      return;
    }
    switch (command.kind) {
      case 'begin':
        if (this.#status === 'open') this.#warn('25001', 'BeginTransactionBlock', 'already in progress');
        this.#status = 'open';
        this.#readOnly ||= command.readOnly === true;
        return done(rowsOf('BEGIN'));
      case 'rollback':
        if (this.#status === 'idle') this.#warn('25P01', 'UserAbortTransactionBlock', 'no transaction');
        this.#abort();
        return done(rowsOf('ROLLBACK'));
      case 'commit':
        return this.#endTransaction(done);
      case 'own':
        this.belongings.owner = command.owner;
        return done(rowsOf('SET'));
      case 'reset':
        this.#set(command.name, '0');
        return done(rowsOf('RESET'));
      case 'lock':
      case 'try-lock':
      case 'unlock':
        return this.belongings.lock(command, (result) => !this.#gone && done(result));
      case 'listen':
        return done(this.belongings.listen(command.channel));
      case 'unlisten':
        return done(this.belongings.unlisten(command.channel));
      case 'notify':
        return this.#write(undefined, done, () => {
          this.#staged.push(command);
          return rowsOf('SELECT', [{ pg_notify: '' }]);
        });
      case 'xid':
        return done(rowsOf('SELECT', [{ xid: String(this.#needXid()) }]));
      case 'set':
        this.#set(command.name, command.value);
        return done(rowsOf('SET'));
      case 'mark':
      case 'settle':
        return this.#slot(command.kind, command.slot, command.seq, done);
      case 'insert':
        return this.#write(undefined, done, () => {
          this.#staged.push({ kind: 'insert', key: command.key });
          const rows = command.returning ? [{ key: command.key }] : [];
          return { ...rowsOf('INSERT', rows), rowCount: 1 };
        });
      case 'put':
        return this.#write(`key:${command.key}`, done, () => {
          this.#staged.push({ kind: 'put', key: command.key });
          return { ...rowsOf('INSERT'), rowCount: 1 };
        });
      case 'count':
        return this.#write(`counter:${command.id}`, done, () => this.#count(command.id));
      case 'read':
        return done(rowsOf('SELECT', [{ key: command.key, n: this.#rowsWith(command.key) }]));
      case 'stream':
      case 'scan':
        return done(rowsOf('SELECT', [...this.#server.data.rows]));
      case 'raise':
        return done(new SqlError(command.code, `raised ${command.code}`));
      case 'sleep':
        this.#server.after(command.ms, () => done(rowsOf('SELECT', [{ pg_sleep: '' }])));
        return;
      case 'copy':
        throw new Error('a COPY is a request of its own');
      case 'identify':
      case 'askStandby':
      case 'askActive':
      case 'probe':
      case 'heartbeat':
      case 'xact-status':
      case 'position':
      case 'replayed':
      case 'guard':
      case 'endGhost':
        done(answerTo(command, this.#server, this));
    }
  }

  /** Runs `change` when the row is ours; whoever waits for it in a circle gets 40P01. */
  #write(row: string | undefined, done: Done, change: () => QueryResult | SqlError): void {
    if (this.#readOnly) {
      done(new SqlError('25006', 'cannot execute INSERT in a read-only transaction'));
      return;
    }
    const { locks } = this.#server;
    if (row === undefined) {
      done(change());
      return;
    }
    let granted = false;
    locks.acquire(this, row, () => {
      granted = true;
      if (!this.#gone) done(change());
    });
    if (granted) return;
    this.#server.observer.note(this.name, () => `waits for ${row}`);
    this.#server.after(DEADLOCK_TIMEOUT_MS, () => {
      if (granted || this.#gone || !locks.isDeadlocked(this)) return;
      locks.stopWaiting(this);
      this.#server.observer.occurred('deadlock');
      done(new SqlError('40P01', 'deadlock detected'));
    });
  }

  /** `schooldb.mark` and `schooldb.settle`, see packages/client/sql/schooldb.sql. */
  #slot(kind: 'mark' | 'settle', slot: string, seq: number, done: Done): void {
    this.#write(`slot:${slot}`, done, () => {
      const row = this.#slotRow(slot);
      if (kind === 'settle') {
        this.#staged.push({ kind: 'slot', slot, seq: row.seq, fence: Math.max(row.fence, seq) });
        return rowsOf('SELECT', [{ committed: row.seq >= seq }]);
      }
      if (row.fence >= seq) return new SqlError('SD001', 'schooldb: this attempt was fenced');
      this.#staged.push({ kind: 'slot', slot, seq: Math.max(row.seq, seq), fence: row.fence });
      return rowsOf('SELECT', [{ mark: '' }]);
    });
  }

  #slotRow(slot: string): Slot {
    const own = this.#staged.findLast((change) => change.kind === 'slot' && change.slot === slot);
    if (own?.kind === 'slot') return own;
    return this.#server.data.slots.get(slot) ?? { seq: 0, fence: 0 };
  }

  #count(id: string): QueryResult {
    const own = this.#staged.findLast((change) => change.kind === 'counter' && change.id === id);
    const value = own?.kind === 'counter' ? own.value : (this.#server.data.counters.get(id) ?? 0);
    this.#staged.push({ kind: 'counter', id, value: value + 1 });
    return { ...rowsOf('UPDATE'), rowCount: 1 };
  }

  #rowsWith(key: string): number {
    const own = this.#staged.filter((change) => 'key' in change && change.key === key).length;
    return (this.#server.data.ledger.get(key) ?? 0) + own;
  }

  #set(name: string, value: string): void {
    if (name === 'idle_in_transaction_session_timeout') this.#idleInTransactionMs = Number(value);
    if (name === 'lock_timeout') this.belongings.lockTimeoutMs = Number(value);
    if (name === 'client_connection_check_interval') this.#checksClient = true;
  }

  #endTransaction(done: Done): void {
    if (this.#status === 'failed') {
      this.#abort();
      done(rowsOf('ROLLBACK'));
      return;
    }
    if (this.#status === 'idle') this.#warn('25P01', 'EndTransactionBlock', 'no transaction');
    this.#status = 'idle';
    this.#commit(() => done(rowsOf('COMMIT')));
  }

  /** WAL, flush, the synchronous standby; only then others see it, and its locks are free. */
  #commit(done: () => void): void {
    const server = this.#server;
    const changes = this.#staged;
    this.#staged = [];
    if (changes.length === 0) {
      this.#endXact();
      done();
      return;
    }
    this.#committing = true;
    const record = server.insertRecord(changes, this.#needXid());
    this.#strike('inserted', () =>
      server.whenFlushed(record, () => {
        if (!this.#gone) this.#strike('flushed', () => this.#waitForStandby(record, done));
      }),
    );
  }

  #waitForStandby(record: WalRecord, done: () => void): void {
    const server = this.#server;
    server.sync.wait(this, record, (how) => {
      // The server may have crashed between two who waited for the same confirmation.
      if (this.#gone && how !== 'terminated') return;
      this.#committing = false;
      server.show(record, this);
      this.#endXact();
      if (how === 'terminated') return;
      if (how === 'cancelled') this.#warnUnconfirmed();
      else server.acknowledge(record);
      this.#strike('answered', done);
    });
    if (this.#endsWith !== undefined && server.sync.isWaiting(this)) this.terminate(this.#endsWith);
  }

  #warnUnconfirmed(): void {
    this.#server.observer.occurred('unconfirmed-commit');
    this.#warn('01000', 'SyncRepWaitForLSN', 'canceling wait for synchronous replication');
  }

  #warn(code: string, routine: string, message: string): void {
    this.#reply.send({ kind: 'notice', notice: { severity: 'WARNING', code, routine }, message });
  }

  /** Lets the schedule strike at this moment; goes on afterwards if there is anything left to go on with. */
  #strike(phase: CommitPhase, goOn: () => void): void {
    this.#server.atCommit(phase, this);
    if (this.#gone) return;
    if (!this.#server.frozen) goOn();
    else
      this.#server.after(0, () => {
        if (!this.#gone) goOn();
      });
  }

  #needXid(): number {
    return (this.#xid ??= this.#server.assignXid());
  }

  #abort(): void {
    this.#status = 'idle';
    this.#staged = [];
    this.#endXact();
  }

  /** Ends the session; whatever was open is rolled back. */
  #leave(error: SqlError | undefined): void {
    this.#gone = true;
    this.#idleTimer?.cancel();
    this.#staged = [];
    this.#endXact();
    this.belongings.end();
    this.#server.forget(this);
    if (error !== undefined) this.#reply.send({ kind: 'fatal', error });
    this.#reply.close('fin');
  }
}
