/**
 * Listens on channels, over one connection to the primary for all of them (a standby has no LISTEN, and a pooler gives
 * its server away).
 *
 *   silent       nobody listens: there is no connection
 *   connecting   a connection is being borrowed, for as long as it takes
 *   listening    LISTEN was answered for the channels that are wanted; changes to them go over the same connection
 *   deaf         the connection was lost: as connecting, and when all channels are listened to again, everybody is told
 *                that notifications may have been missed. Not before: what is read again upon that word must not miss
 *                any more
 */
import { SchoolDbError } from '../errors/base.ts';
import { ClientClosedError } from '../errors/call-errors.ts';
import { ConnectionRejectedError } from '../errors/connection-errors.ts';
import type { Execution } from '../execution/execution.ts';
import type { HeldConnection } from '../execution/held-connection.ts';
import { backoffMs } from '../policy/backoff.ts';
import { Deadline } from '../runtime/deadline.ts';
import { InvalidOptionsError } from '../errors/option-errors.ts';
import { listenText, unlistenText } from '../wire/sql.ts';
import type { Notification } from '../wire/wire.ts';
import { checkCallOptions } from './call-options.ts';
import { checkFunction, checkText } from './option-checks.ts';

/** Notifications may have been missed. */
export interface NotificationGap {
  readonly channel: string;
  /** For how long nobody listened, in milliseconds. */
  readonly deafMs: number;
  /** Why the connection was lost, in words. */
  readonly reason: string;
}

export interface ListenOptions {
  /**
   * Called when the channel is listened to again after the connection was lost: what was sent in the meantime was not
   * heard. Read again what the notifications are about.
   */
  readonly onGap?: (gap: NotificationGap) => void;
  /** Ends the subscription, as its `close` does. */
  readonly signal?: AbortSignal;
  /** How long it may take until the channel is listened to, in milliseconds. @defaultValue the client's */
  readonly deadlineMs?: number;
}

/** What `listen` gives. */
export interface Subscription extends AsyncDisposable {
  readonly channel: string;
  /** Ends it; no listener is called any more. May be called twice. */
  close(): Promise<void>;
}

/** Begins to hold a connection; resolves when it is not held any more. */
export type HoldConnection = (
  signal: AbortSignal,
  use: (held: HeldConnection) => Promise<void>,
) => Promise<void>;

/** PostgreSQL cuts longer names off (NAMEDATALEN): what is sent to them would never be recognised. */
const MAX_CHANNEL_BYTES = 63;

/** @throws InvalidOptionsError */
export function checkListen(channel: unknown, onNotification: unknown, options: ListenOptions): void {
  const bytes = Buffer.byteLength(checkText('the channel of listen()', channel));
  if (bytes > MAX_CHANNEL_BYTES) {
    throw new InvalidOptionsError(
      `the channel of listen() must have at most ${MAX_CHANNEL_BYTES} bytes, as PostgreSQL's names, but has ${bytes}`,
    );
  }
  checkFunction('the listener of listen()', onNotification);
  const { onGap, ...others } = options;
  checkCallOptions('listen()', others, ['deadlineMs', 'signal', 'onGap']);
  if (onGap !== undefined) checkFunction("'onGap'", onGap);
}

interface Subscriber {
  readonly channel: string;
  readonly onNotification: (notification: Notification) => void;
  readonly onGap: ((gap: NotificationGap) => void) | undefined;
  /** Settles when its channel is listened to for the first time, or never will be. */
  readonly ready: PromiseWithResolvers<void>;
  hasListened: boolean;
}

const BACKOFF = { baseMs: 50, capMs: 2_000 };
const STATEMENT_LIMIT_MS = 10_000;

export class Listener {
  readonly #execution: Pick<Execution, 'clock' | 'random' | 'events'>;
  readonly #hold: HoldConnection;
  readonly #subscribers = new Set<Subscriber>();
  #session: ListeningSession | undefined;
  /** Lets go of the connection, or stops looking for one. */
  #silence: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #deafSince: { readonly at: number; readonly reason: string } | undefined;
  #closed = false;

  constructor(execution: Pick<Execution, 'clock' | 'random' | 'events'>, hold: HoldConnection) {
    this.#execution = execution;
    this.#hold = hold;
  }

  /** @throws the deadline's error, ClientClosedError, or what the server says to LISTEN. */
  async listen(
    channel: string,
    onNotification: (notification: Notification) => void,
    { onGap, deadlineMs, signal }: ListenOptions & { readonly deadlineMs: number },
  ): Promise<Subscription> {
    if (this.#closed) throw new ClientClosedError('the client is closed: no listen any more');
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => {});
    const subscriber: Subscriber = { channel, onNotification, onGap, ready, hasListened: false };
    const deadline = new Deadline(this.#execution.clock, deadlineMs, signal === undefined ? [] : [signal]);
    deadline.onOver(() => ready.reject(deadline.error('a channel was to be listened to', 'not-executed')));
    this.#subscribers.add(subscriber);
    this.#changed();
    try {
      await ready.promise;
    } catch (error) {
      // Not waited for: a LISTEN that is under way may take longer than this caller has.
      void this.#drop(subscriber);
      throw error;
    } finally {
      deadline.done();
    }
    const onAbort = () => void close();
    const close = () => {
      signal?.removeEventListener('abort', onAbort);
      return this.#drop(subscriber);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) await close();
    return { channel, close, [Symbol.asyncDispose]: close };
  }

  /** Ends all subscriptions. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { ready } of this.#subscribers) {
      ready.reject(new ClientClosedError('the client was closed while a channel was to be listened to'));
    }
    this.#subscribers.clear();
    this.#changed();
    await this.#running;
  }

  async #drop(subscriber: Subscriber): Promise<void> {
    this.#subscribers.delete(subscriber);
    this.#changed();
    if (this.#subscribers.size === 0) await this.#running;
    else await this.#session?.settled();
  }

  get #wanted(): ReadonlySet<string> {
    return new Set([...this.#subscribers].map(({ channel }) => channel));
  }

  #changed(): void {
    if (this.#subscribers.size === 0) {
      this.#silence?.abort(new Error('nobody listens any more'));
      this.#silence = undefined;
      this.#deafSince = undefined;
    } else if (this.#silence === undefined) {
      const silence = new AbortController();
      this.#silence = silence;
      // After the connection before was given back: there is never more than one.
      this.#running = this.#running.then(() => this.#stayConnected(silence.signal));
    } else {
      this.#session?.update(this.#wanted);
    }
  }

  async #stayConnected(silenced: AbortSignal): Promise<void> {
    const { clock, random } = this.#execution;
    let failures = 0;
    while (!silenced.aborted) {
      try {
        failures += 1;
        await this.#hold(silenced, async (held) => {
          await this.#listenOn(held, silenced);
          failures = 1;
        });
      } catch (error) {
        if (!silenced.aborted) this.#refuseFor(error);
      }
      const pause = new Deadline(clock, backoffMs(failures, BACKOFF, random), [silenced]);
      await new Promise<void>((resolve) => pause.onOver(resolve));
    }
  }

  /** Until the connection is lost or nobody listens any more. */
  async #listenOn(held: HeldConnection, silenced: AbortSignal): Promise<void> {
    const session = new ListeningSession(held, (channels) => this.#nowListening(channels));
    this.#session = session;
    const stopHearing = held.wire.onNotification((notification) => this.#deliver(notification));
    try {
      session.update(this.#wanted);
      await firstOf(held.signal, silenced, session.failed);
    } finally {
      stopHearing();
      this.#session = undefined;
      if ([...this.#subscribers].some(({ hasListened }) => hasListened)) this.#nowDeaf(held);
    }
  }

  #nowDeaf({ wire }: HeldConnection): void {
    const reason = wire.lostBecause?.message ?? 'LISTEN was refused';
    this.#deafSince ??= { at: this.#execution.clock.now(), reason };
  }

  #nowListening(channels: ReadonlySet<string>): void {
    const listening = [...this.#subscribers].filter(({ channel }) => channels.has(channel));
    if (this.#deafSince !== undefined) {
      const { at, reason } = this.#deafSince;
      this.#deafSince = undefined;
      const deafMs = Math.round(this.#execution.clock.now() - at);
      const missed = listening.filter(({ hasListened }) => hasListened);
      const names = [...new Set(missed.map(({ channel }) => channel))];
      this.#execution.events.emit('notifications:missed', { channels: names, deafMs, reason });
      for (const { channel, onGap } of missed) harmless(() => onGap?.({ channel, deafMs, reason }));
    }
    for (const subscriber of listening) {
      subscriber.hasListened = true;
      subscriber.ready.resolve();
    }
  }

  /** Tells those who wait for their first LISTEN of a failure that will not pass while they wait. */
  #refuseFor(error: unknown): void {
    const mayPass = error instanceof SchoolDbError && !(error instanceof ConnectionRejectedError);
    if (mayPass) return;
    for (const { ready } of this.#subscribers) ready.reject(error);
  }

  #deliver(notification: Notification): void {
    for (const { channel, onNotification } of this.#subscribers) {
      if (channel === notification.channel) harmless(() => onNotification(notification));
    }
  }
}

/** Brings the channels that one connection listens to in line with those that are wanted. */
class ListeningSession {
  readonly #held: HeldConnection;
  readonly #onListening: (channels: ReadonlySet<string>) => void;
  readonly #listening = new Set<string>();
  readonly #failed = Promise.withResolvers<never>();
  #wanted: ReadonlySet<string> = new Set();
  #isUpdating = false;
  #updated: Promise<void> = Promise.resolve();

  constructor(held: HeldConnection, onListening: (channels: ReadonlySet<string>) => void) {
    this.#held = held;
    this.#onListening = onListening;
    this.#failed.promise.catch(() => {});
  }

  /** Rejects when the server refuses. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  update(wanted: ReadonlySet<string>): void {
    this.#wanted = wanted;
    if (this.#isUpdating) return;
    this.#isUpdating = true;
    this.#updated = this.#work();
  }

  /** Resolves when all that is wanted was done, or the connection is lost. */
  async settled(): Promise<void> {
    await this.#updated;
  }

  async #work(): Promise<void> {
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) await next();
      this.#isUpdating = false;
      this.#onListening(this.#listening);
    } catch (error) {
      this.#failed.reject(error);
    }
  }

  #next(): (() => Promise<unknown>) | undefined {
    for (const channel of this.#wanted) {
      if (this.#listening.has(channel)) continue;
      return () => this.#run(listenText(channel)).then(() => this.#listening.add(channel));
    }
    for (const channel of this.#listening) {
      if (this.#wanted.has(channel)) continue;
      return () => this.#run(unlistenText(channel)).then(() => this.#listening.delete(channel));
    }
    return undefined;
  }

  #run(text: string): Promise<unknown> {
    return this.#held.query({ text }, { deadlineMs: STATEMENT_LIMIT_MS, signals: [] });
  }
}

/** Resolves when one of the signals is aborted. @throws where `failed` rejects. */
function firstOf(lost: AbortSignal, silenced: AbortSignal, failed: Promise<never>): Promise<void> {
  return new Promise((resolve, reject) => {
    for (const signal of [lost, silenced]) {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    }
    failed.catch(reject);
  });
}

/** A listener of the app's that throws disturbs nobody. */
function harmless(call: () => void): void {
  try {
    call();
  } catch (error) {
    process.emitWarning(`a SchoolDB notification listener threw: ${String(error)}`, 'SchoolDbWarning');
  }
}
