import type { CloseKind, Peer, Request } from '../protocol.ts';

/**
 * Where connections get in. The kernel accepts them whatever the server does; who is let in later may have left by
 * then, and is let in all the same.
 */
export class Door {
  #shut = false;
  #waiting: (() => void)[] = [];

  get closed(): boolean {
    return this.#shut;
  }

  shut(): void {
    this.#shut = true;
  }

  /** @param letIn - whether those who wait are let in; otherwise there is nobody left to let them in. */
  open(letIn: boolean): void {
    this.#shut = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (letIn) for (const enter of waiting) enter();
  }

  /**
   * @param soon - calls back when the server gets round to it.
   * @param signIn - lets the connection in, or turns it away.
   */
  enter(soon: (ready: () => void) => void, signIn: () => Peer | undefined): Peer {
    let peer: Peer | undefined;
    let left: CloseKind | undefined;
    const enter = () =>
      soon(() => {
        peer = signIn();
        if (left !== undefined) peer?.hangUp(left);
      });
    if (this.#shut) this.#waiting.push(enter);
    else enter();
    return {
      receive: (request: Request) => peer?.receive(request),
      hangUp: (how) => {
        left ??= how;
        peer?.hangUp(how);
      },
    };
  }
}
