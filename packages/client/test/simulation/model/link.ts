/**
 * One TCP connection with its network. Messages are delayed, never reordered. Each direction may be swallowed from a
 * moment on; a swallowed direction may be given back later, and then delivers what has piled up, because TCP repeats
 * what was not acknowledged.
 */
import type { Dice } from '../dice.ts';
import type { CloseKind, Peer, Reply, Request, Response } from '../protocol.ts';
import type { SimTime } from '../time.ts';

export interface LinkClient {
  receive(response: Response): void;
  /** The connection is gone, and not by the client's doing. */
  closed(cause: Error): void;
}

interface Direction {
  /** Nothing sent later arrives earlier. */
  lastArrival: number;
  swallows: boolean;
  readonly held: (() => void)[];
}

/** The `tcp_user_timeout` that the client sets on its sessions: unacknowledged answers end the connection. */
const USER_TIMEOUT_MS = 10_000;

export class Link implements Reply {
  readonly #time: SimTime;
  readonly #dice: Dice;
  readonly #client: LinkClient;
  readonly #latencyMs: () => number;
  readonly #toServer: Direction = { lastArrival: 0, swallows: false, held: [] };
  readonly #toClient: Direction = { lastArrival: 0, swallows: false, held: [] };
  readonly #onGone: () => void;
  /** For faults that strike at one session. */
  readonly network = this;
  #peer: Peer | undefined;
  #clientClosed = false;
  #serverClosed = false;
  /** The server's end does not know this connection any more. */
  #forgotten = false;
  /** Nothing that the client sends or does any more gets to the server. */
  #lastWasSent = false;

  constructor(time: SimTime, dice: Dice, client: LinkClient, latencyMs: () => number, onGone: () => void) {
    this.#time = time;
    this.#dice = dice;
    this.#client = client;
    this.#latencyMs = latencyMs;
    this.#onGone = onGone;
  }

  /** Connects: `reach` is asked once the first packet arrives; it throws what the network answers instead. */
  open(reach: (reply: Reply) => Peer | undefined): void {
    this.#travel(this.#toServer, () => {
      if (this.#clientClosed) return;
      try {
        this.#peer = reach(this);
      } catch (error) {
        this.#travel(this.#toClient, () => this.#tellClosed(error as Error));
      }
    });
  }

  send(response: Response): void {
    if (this.#serverClosed) return;
    if (this.#toClient.swallows && this.#toClient.held.length === 0) {
      this.#time.after(USER_TIMEOUT_MS, () => this.#userTimeout());
    }
    this.#travel(this.#toClient, () => {
      if (!this.#clientClosed) this.#client.receive(response);
    });
  }

  close(how: CloseKind): void {
    if (this.#serverClosed) return;
    this.#serverClosed = true;
    this.#travel(this.#toClient, () => this.#tellClosed(how === 'reset' ? connectionReset() : undefined));
  }

  /** What the client sends, in one packet. */
  request(requests: readonly Request[]): void {
    if (this.#lastWasSent) return;
    for (const request of requests) {
      this.#travel(this.#toServer, () => {
        if (this.#forgotten) this.#travel(this.#toClient, () => this.#tellClosed(connectionReset()));
        else this.#peer?.receive(request);
      });
    }
  }

  /** The client is told that the connection is lost, while what it has sent is still under way. */
  requestLate(requests: readonly Request[], delayMs: number): void {
    this.#serverClosed = true;
    this.#lastWasSent = true;
    this.#travel(this.#toClient, () => this.#tellClosed(connectionReset()));
    // Behind whatever is on its way already.
    this.#time.after(Math.max(0, this.#toServer.lastArrival - this.#time.now) + delayMs, () => {
      for (const request of requests) this.#peer?.receive(request);
      this.#peer?.hangUp('fin');
    });
  }

  /** The client says goodbye and waits for the server to close. */
  goodbye(): void {
    this.#travel(this.#toServer, () => this.#peer?.hangUp('fin'));
  }

  /** The client closes its end. What it has sent before still arrives before that. */
  closeByClient(): void {
    if (this.#clientClosed) return;
    this.#clientClosed = true;
    const how = this.#dice.chance(0.3) ? 'reset' : 'fin';
    if (!this.#lastWasSent) this.#travel(this.#toServer, () => this.#peer?.hangUp(how));
    this.#onGone();
  }

  /** Something in between forgets the connection: both ends are told, the server's after what has arrived there. */
  cut(): void {
    this.#travel(this.#toServer, () => this.#peer?.hangUp('fin'));
    this.#serverClosed = true;
    this.#travel(this.#toClient, () => this.#tellClosed(connectionReset()));
  }

  /**
   * The same, but the server's end hears nothing of it: what was open there stays open.
   *
   * @returns what lets it hear.
   */
  cutUnheard(): () => void {
    this.#serverClosed = true;
    this.#travel(this.#toClient, () => {
      this.#tellClosed(connectionReset());
      this.#toServer.swallows = true;
    });
    return () => this.#peer?.hangUp('fin');
  }

  swallow(direction: 'toServer' | 'toClient' | 'both'): void {
    if (direction !== 'toClient') this.#toServer.swallows = true;
    if (direction !== 'toServer') this.#toClient.swallows = true;
  }

  /** Delivers what has piled up. */
  giveBack(): void {
    for (const direction of [this.#toServer, this.#toClient]) {
      direction.swallows = false;
      // Now, and so before whatever is on its way already.
      for (const deliver of direction.held.splice(0)) deliver();
    }
  }

  /** The server's kernel gives up: the session ends, and the client hears of it when it next sends something. */
  #userTimeout(): void {
    if (!this.#toClient.swallows || this.#forgotten) return;
    this.#forgotten = true;
    this.#toClient.held.length = 0;
    this.#serverClosed = true;
    this.#peer?.hangUp('reset');
  }

  #tellClosed(cause: Error | undefined): void {
    if (this.#clientClosed) return;
    this.#clientClosed = true;
    this.#client.closed(cause ?? new Error('the server closed the connection'));
    this.#onGone();
  }

  #travel(direction: Direction, deliver: () => void): void {
    const arrival = Math.max(direction.lastArrival, this.#time.now + this.#latencyMs());
    direction.lastArrival = arrival;
    this.#time.after(arrival - this.#time.now, () => {
      if (direction.swallows) direction.held.push(deliver);
      else deliver();
    });
  }
}

function connectionReset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}
