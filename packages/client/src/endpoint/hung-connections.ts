/**
 * Finds single connections on which an answer will never come, or never count, while their server is well:
 *
 *   forgotten  by the network: a firewall dropped its entry, or one direction is cut. To the client that looks like a
 *              slow statement; only the server can tell the two apart
 *   replaced   the server is a primary that another one has taken over from, cut off but alive: its COMMIT waits for
 *              standbys that do not follow it any more
 *
 *   owing       a connection that owes an answer has been silent for `silentMs`
 *   questioned  the server is asked, over another connection, whether that backend is at work. A fresh one where it can
 *               be had: it also shows whether the address still leads there
 *   idle        it is not: it has answered, or never heard the question. The answer may still be under way
 *   hung        no byte came for `graceMs` after that, or since a newer primary was met: the connection is closed, its
 *               caller retried or settled
 */
import type { Clock } from '../runtime/clock.ts';
import type { ResponsiveClock } from '../runtime/responsive-clock.ts';
import { ASK_ACTIVE } from '../wire/sql.ts';
import type { Connection } from './connection.ts';

export const HUNG_DEFAULTS = {
  silentMs: 2_000,
  graceMs: 1_000,
  /** From one question to the next. */
  intervalMs: 2_000,
};

export interface BorrowedConnection {
  readonly connection: Connection;
  /** Whether somebody uses it by now: then it must not be closed. */
  isUsed(): boolean;
  giveBack(): void;
}

export interface HungHooks {
  /** The connections that are lent. */
  lent(): Iterable<Connection>;
  /** Whether a newer primary was met than the one that this connection leads to. */
  isReplaced(connection: Connection): boolean;
  /**
   * A connection to the same server that nobody uses; `giveBack` when it is not needed any more. Undefined where there
   * is none, and behind a pooler: it hands out process numbers of its own.
   */
  borrow(like: Connection): Promise<BorrowedConnection | undefined>;
  onHung(connection: Connection, because: 'forgotten' | 'replaced', silentMs: number): void;
}

interface Debt {
  bytesRead: number;
  since: number;
  /** When the server said that the backend is not at work. */
  idleSince: number | undefined;
  /** When it was first seen that another primary has taken over. */
  replacedSince: number | undefined;
}

export class HungConnections {
  readonly #hooks: HungHooks;
  readonly #responsive: ResponsiveClock;
  readonly #clock: Clock;
  readonly #debts = new Map<Connection, Debt>();
  #askedAt = -Infinity;

  constructor(hooks: HungHooks, time: { clock: Clock; responsive: ResponsiveClock }) {
    this.#hooks = hooks;
    this.#clock = time.clock;
    this.#responsive = time.responsive;
  }

  /** To be called about every 100 ms while connections are lent. */
  look(punctual: boolean): void {
    const now = this.#responsive.now();
    const owing = new Set<Connection>();
    for (const connection of this.#hooks.lent()) {
      if (connection.wire.unanswered > 0) owing.add(connection);
    }
    for (const connection of this.#debts.keys()) if (!owing.has(connection)) this.#debts.delete(connection);
    for (const connection of owing) this.#update(connection, now, punctual);
    const silent = [...this.#debts].filter(([, debt]) => now - debt.since >= HUNG_DEFAULTS.silentMs);
    if (silent.length === 0 || now - this.#askedAt < HUNG_DEFAULTS.intervalMs) return;
    this.#askedAt = now;
    const byPeer = Map.groupBy(silent, ([connection]) => connection.peer);
    for (const debts of byPeer.values()) void this.#ask(debts);
  }

  #update(connection: Connection, now: number, punctual: boolean): void {
    const { bytesRead } = connection.wire;
    const replacedSince = this.#hooks.isReplaced(connection) ? now : undefined;
    const debt = this.#debts.get(connection);
    if (debt === undefined || debt.bytesRead !== bytesRead) {
      this.#debts.set(connection, { bytesRead, since: now, idleSince: undefined, replacedSince });
      return;
    }
    debt.replacedSince ??= replacedSince;
    if (!punctual) return;
    const isOver = (since: number | undefined) => since !== undefined && now - since >= HUNG_DEFAULTS.graceMs;
    if (isOver(debt.replacedSince)) this.#give(connection, 'replaced', now - debt.since);
    else if (isOver(debt.idleSince)) this.#give(connection, 'forgotten', now - debt.since);
  }

  #give(connection: Connection, because: 'forgotten' | 'replaced', silentMs: number): void {
    this.#debts.delete(connection);
    this.#hooks.onHung(connection, because, silentMs);
  }

  /** @param debts - of connections to one server. */
  async #ask(debts: readonly (readonly [Connection, Debt])[]): Promise<void> {
    const [like] = debts[0] ?? [];
    const borrowed = like === undefined ? undefined : await this.#hooks.borrow(like);
    if (borrowed === undefined) return;
    const limit = this.#clock.schedule(HUNG_DEFAULTS.graceMs, () => {
      // Forgotten as well, it seems. Over another one, and soon.
      this.#askedAt = -Infinity;
      if (borrowed.isUsed()) return;
      borrowed.connection.wire.destroy(new Error('a question about other connections was not answered'));
    });
    try {
      const pids = debts.map(([connection]) => connection.wire.processId);
      const { rows } = await borrowed.connection.wire.query({ text: ASK_ACTIVE, values: [pids] });
      const active = new Set((rows as { pid: number }[]).map(({ pid }) => pid));
      const now = this.#responsive.now();
      for (const [connection, debt] of debts) {
        if (!active.has(connection.wire.processId)) debt.idleSince = now;
      }
    } catch {
      // A server that does not answer is the watch's business.
    } finally {
      limit.cancel();
      borrowed.giveBack();
    }
  }
}
