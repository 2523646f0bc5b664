import type { Address } from '../endpoint.ts';

/** A server, or a pooler, that a connection can be given to. */
export interface Backend extends Address {
  name: string;
}

/** What becomes of a new connection. */
export type Destination =
  | { does: 'serve'; name: string; backend: Backend }
  /** It is accepted and never hears anything. */
  | { does: 'blackhole'; name: string }
  /** It is accepted and reset: a forwarder cannot refuse one connection and take the next. */
  | { does: 'refuse'; name: string };

/** A backend that stands behind an address beside those of the role. */
export interface SecondBackend {
  /** Asked for each connection; undefined while there is none. */
  destination(): Destination | undefined;
  /** Chooses among all backends; undefined: by turns. */
  random: (() => number) | undefined;
}
