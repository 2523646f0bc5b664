/**
 * What a session has beside its transaction: channels that it listens to, advisory locks, settings, a portal. None of it
 * is written anywhere: it is gone with the session, and nothing of it reaches a standby (PostgreSQL manual, "LISTEN",
 * "Advisory Locks").
 */
import type { QueryResult } from 'pg';
import type { Notification } from '../../../src/wire/wire.ts';
import { SqlError, rowsOf } from '../protocol.ts';
import type { Session, SessionHost } from './session.ts';
import type { Command } from './statements.ts';
import type { ChannelMessage } from './wal.ts';

type Done = (result: QueryResult | SqlError) => void;
type Row = Record<string, unknown>;

export class Belongings {
  readonly #server: SessionHost;
  readonly #session: Session;
  readonly channels = new Set<string>();
  /** Whose settings it has. */
  owner: string | undefined;
  /** How long it waits for a lock; 0: for ever. */
  lockTimeoutMs = 0;
  #portal: Row[] | undefined;
  /** Told when the session is idle. */
  #heard: Notification[] = [];

  constructor(server: SessionHost, session: Session) {
    this.#server = server;
    this.#session = session;
  }

  get holdsLocks(): boolean {
    return this.#server.advisoryLocks.holds(this.#session);
  }

  get hasPortal(): boolean {
    return this.#portal !== undefined;
  }

  listen(channel: string): QueryResult | SqlError {
    if (this.#server.role === 'standby')
      return new SqlError('25006', 'cannot execute LISTEN during recovery');
    this.channels.add(channel);
    return rowsOf('LISTEN');
  }

  unlisten(channel: string): QueryResult {
    this.channels.delete(channel);
    return rowsOf('UNLISTEN');
  }

  /** @returns whether it listens to any of them. */
  hear(messages: readonly ChannelMessage[], processId: number): boolean {
    const wanted = messages.filter(({ channel }) => this.channels.has(channel));
    this.#heard.push(...wanted.map(({ channel, payload }) => ({ channel, payload, processId })));
    return wanted.length > 0;
  }

  takeHeard(): readonly Notification[] {
    return this.#heard.splice(0);
  }

  lock(command: Command & { kind: 'lock' | 'try-lock' | 'unlock' }, done: Done): void {
    const { lock } = command;
    const locks = this.#server.advisoryLocks;
    if (command.kind === 'unlock') {
      const unlocked = locks.giveBack(this.#session, lock);
      if (unlocked) this.#server.observer.unlocked(this.#session, lock);
      done(rowsOf('SELECT', [{ unlocked }]));
    } else if (command.kind === 'try-lock') {
      const locked = locks.isFree(lock);
      if (locked) this.#take(lock, () => {});
      done(rowsOf('SELECT', [{ locked }]));
    } else this.#waitFor(lock, done);
  }

  #take(lock: string, granted: () => void): void {
    this.#server.advisoryLocks.acquire(this.#session, lock, () => {
      this.#server.observer.locked(this.#session, lock);
      granted();
    });
  }

  #waitFor(lock: string, done: Done): void {
    let answered = false;
    this.#take(lock, () => {
      answered = true;
      done(rowsOf('SELECT', [{ pg_advisory_lock: '' }]));
    });
    if (answered || this.lockTimeoutMs === 0) return;
    this.#server.after(this.lockTimeoutMs, () => {
      if (answered || !this.#server.advisoryLocks.isWaiting(this.#session)) return;
      this.#server.advisoryLocks.stopWaiting(this.#session);
      this.#server.observer.occurred('lock-timeout');
      done(new SqlError('55P03', 'canceling statement due to lock timeout'));
    });
  }

  openPortal(rows: readonly Row[]): void {
    this.#portal = [...rows];
  }

  /** The next rows; fewer than asked for at the end only, which closes the portal. */
  fetch(maxRows: number): QueryResult {
    const rows = this.#portal?.splice(0, maxRows) ?? [];
    if (rows.length < maxRows) this.#portal = undefined;
    return rowsOf('SELECT', rows);
  }

  closePortal(): void {
    this.#portal = undefined;
  }

  /** The session is over. */
  end(): void {
    this.#server.observer.sessionEnded(this.#session);
    this.#server.advisoryLocks.release(this.#session);
  }
}
