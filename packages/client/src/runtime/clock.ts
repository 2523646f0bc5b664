/** Time as the client sees it. Passed in everywhere, so that tests and the simulation can drive it. */
export interface Clock {
  /** Milliseconds on a clock that never jumps. Only differences mean something. */
  now(): number;
  /**
   * Calls `run` once after `delayMs`.
   *
   * @param keepAlive - whether this timer alone keeps the process running. Only the deadline of a caller does: while
   * somebody waits for an answer the process stays, an idle client never holds it. Default false.
   */
  schedule(delayMs: number, run: () => void, keepAlive?: boolean): Timer;
}

export interface Timer {
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(delayMs, run, keepAlive = false) {
    const handle = setTimeout(run, delayMs);
    if (!keepAlive) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
