/**
 * Lends connections for as long as somebody needs a session of its own: LISTEN, advisory locks, cursors. `generic-pool`
 * decides who is served first, how many there are, and asks each connection what it is before it is lent; the
 * connections themselves come from the exclusive lane and go back to it, so that both stay within one budget.
 *
 * generic-pool can't take back a place in its line, and repeats at once what has failed. So a caller that leaves leaves
 * its place to the next of its kind, and a connection is borrowed in the name of one caller:
 *
 *   waiting    joined; nobody looks for a connection for it yet
 *   sought     a connection is being borrowed in its name, within its deadline. It goes to whoever is first
 *   served     has a connection, which was asked who it is just before
 *   refused    its deadline is over, or no connection could be borrowed: its place waits for another caller
 */
import { createPool } from 'generic-pool';
import type { Pool } from 'generic-pool';
import { ClientClosedError, WaitingLineFullError } from '../errors/call-errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { askRole } from './ask-role.ts';
import type { EndpointLease } from './lease.ts';
import type { Waiting } from './waiting-line.ts';

/** What a session is for: who comes first has the lower number. */
export const SESSION_PRIORITIES = { listen: 0, lock: 1, connection: 2, stream: 3 } as const;
export type SessionPurpose = keyof typeof SESSION_PRIORITIES;

const PRIORITY_RANGE = Object.keys(SESSION_PRIORITIES).length;

export interface SessionDemand {
  readonly purpose: SessionPurpose;
  /** Is told at once when there is nothing to wait for, because it has somewhere else to go. */
  readonly impatient?: boolean;
}

export interface SessionLaneOptions {
  /** How the endpoint calls itself in errors: kind and address. */
  readonly name: string;
  /** Sessions at the same time, at most. */
  readonly maxSessions: number;
  /** Callers for whom no connection is looked for yet, at most. */
  readonly maxWaiting: number;
}

export interface SessionLaneHooks {
  /** Borrows a connection. */
  borrow(deadline: Deadline, waiting: Waiting): Promise<EndpointLease>;
  /** Why nothing can be borrowed at the moment; undefined where it can. */
  whyUnusable(): Error | undefined;
  /** Whether a server in this role is what the endpoint should lead to. */
  isWanted(role: 'primary' | 'standby'): boolean;
  /** The connection leads to a server of the wrong role. */
  onWrongRole(lease: EndpointLease): void;
}

interface Caller {
  readonly deadline: Deadline;
  readonly impatient: boolean;
  /** Aborted when it does not wait any more. */
  readonly left: AbortSignal;
  sought: boolean;
  refuse(error: unknown): void;
}

/** A place in generic-pool's line. */
interface Place {
  serve: ((lease: EndpointLease) => void) | undefined;
}

export class SessionLane {
  readonly #options: SessionLaneOptions;
  readonly #hooks: SessionLaneHooks;
  readonly #pool: Pool<EndpointLease>;
  readonly #callers = new Set<Caller>();
  /** Places whose callers have left, by priority. */
  readonly #left: readonly Set<Place>[];
  /** Those that would borrow a connection if somebody waited for one. */
  readonly #seekers: ((caller: Caller) => void)[] = [];
  #closed = false;

  constructor(options: SessionLaneOptions, hooks: SessionLaneHooks, clock: Clock) {
    this.#options = options;
    this.#hooks = hooks;
    this.#left = Array.from({ length: PRIORITY_RANGE }, () => new Set());
    this.#pool = createPool<EndpointLease>(
      {
        create: () => this.#borrow(),
        destroy: async (lease) => lease.release(),
        validate: (lease) => this.#isFit(lease, clock),
      },
      { max: options.maxSessions, min: 0, priorityRange: PRIORITY_RANGE, testOnBorrow: true },
    );
  }

  /** Callers for whom no connection is looked for yet: all who may have one are about to be served. */
  get waiting(): number {
    let waiting = 0;
    for (const { sought } of this.#callers) if (!sought) waiting += 1;
    return waiting;
  }

  /** @throws as {@link ExclusiveLane.acquire} does. */
  acquire(deadline: Deadline, { purpose, impatient = false }: SessionDemand): Promise<EndpointLease> {
    if (this.#closed) return Promise.reject(new ClientClosedError('the client is closed'));
    const room = Math.max(0, this.#options.maxSessions - this.#pool.borrowed);
    if (this.waiting - room >= this.#options.maxWaiting) return Promise.reject(this.#fullError());
    return new Promise((resolve, reject) => {
      const left = new AbortController();
      const places = this.#left[SESSION_PRIORITIES[purpose]]!;
      let stopWaiting = () => {};
      const leave = () => {
        this.#callers.delete(caller);
        stopWaiting();
        left.abort(new Error('served or refused'));
      };
      const caller: Caller = {
        deadline,
        impatient,
        left: left.signal,
        sought: false,
        refuse: (error) => {
          if (!this.#callers.has(caller)) return;
          leave();
          place.serve = undefined;
          places.add(place);
          reject(error);
        },
      };
      this.#callers.add(caller);
      const place = this.#takePlace(purpose);
      place.serve = (lease) => {
        leave();
        resolve({ ...lease, release: () => void this.#pool.destroy(lease) });
      };
      stopWaiting = deadline.onOver(() =>
        caller.refuse(
          deadline.error(
            `waiting for a session on ${this.#describe()}`,
            'not-executed',
            this.#hooks.whyUnusable(),
          ),
        ),
      );
      this.#seekFor(caller);
    });
  }

  /** Refuses new and waiting callers; what is lent comes back by itself. */
  close(): void {
    this.#closed = true;
    for (const caller of this.#callers) {
      caller.refuse(new ClientClosedError('the client was closed while waiting for a connection'));
    }
  }

  #takePlace(purpose: SessionPurpose): Place {
    const priority = SESSION_PRIORITIES[purpose];
    const places = this.#left[priority]!;
    for (const place of places) {
      places.delete(place);
      return place;
    }
    const place: Place = { serve: undefined };
    void this.#pool.acquire(priority).then((lease) => {
      places.delete(place);
      if (place.serve === undefined) void this.#pool.destroy(lease);
      else place.serve(lease);
    });
    return place;
  }

  /** Never rejects: generic-pool would ask again at once. */
  async #borrow(): Promise<EndpointLease> {
    for (;;) {
      const caller = await this.#nextCaller();
      const { deadline, impatient, left } = caller;
      try {
        return await this.#hooks.borrow(deadline, { impatient, signal: left });
      } catch (error) {
        caller.refuse(error);
      } finally {
        caller.sought = false;
        // Another was served with what was borrowed in its name, or generic-pool has not handed it over yet.
        if (this.#callers.has(caller)) this.#seekFor(caller);
      }
    }
  }

  #nextCaller(): Promise<Caller> {
    for (const caller of this.#callers) {
      if (caller.sought) continue;
      caller.sought = true;
      return Promise.resolve(caller);
    }
    return new Promise((resolve) => this.#seekers.push(resolve));
  }

  #seekFor(caller: Caller): void {
    if (caller.sought) return;
    const seeker = this.#seekers.shift();
    if (seeker === undefined) return;
    caller.sought = true;
    seeker(caller);
  }

  /** What was idle may be dead, and a server may have changed its role under its connections. */
  async #isFit(lease: EndpointLease, clock: Clock): Promise<boolean> {
    const role = await askRole(lease.connection.wire, clock);
    if (role === 'silent') return false;
    const isWanted = this.#hooks.isWanted(role);
    if (!isWanted) this.#hooks.onWrongRole(lease);
    return isWanted;
  }

  #fullError(): WaitingLineFullError {
    return new WaitingLineFullError(
      `no session on ${this.#describe()}: the waiting line is full ('maxWaiting' is ${this.#options.maxWaiting})`,
    );
  }

  #describe(): string {
    const { name, maxSessions } = this.#options;
    return `${name}: ${this.#pool.borrowed} of ${maxSessions} sessions lent, ${this.#callers.size} waiting`;
  }
}
