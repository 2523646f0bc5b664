import type { ServerIdentity } from '../policy/topology.ts';
import type { Wire } from '../wire/wire.ts';
import type { Address } from './address-order.ts';
import type { Replayed } from './replayed.ts';

/** A wire whose server is known: it has told its role and timeline, and was found fit for the endpoint. */
export interface Connection {
  readonly wire: Wire;
  /** Where it was connected to. */
  readonly address: Address;
  /** Behind a pooler: the server that answered when it was opened. The next transaction may run on another. */
  readonly identity: ServerIdentity;
  /** Whether a pooler stands in between. */
  readonly pooled: boolean;
  /** Who owes the answers: the server, or the pooler in front of it. */
  readonly peer: string;
  /** Whether `schooldb.mark` and `schooldb.settle` are there and granted to us. */
  readonly hasCommitSlots: boolean;
  /** Whether `schooldb.lineage` is there and granted to us: without it no standby can tell what it follows. */
  readonly hasLineage: boolean;
  /** What the server behind it, as a standby, is known to hold. Says nothing behind a pooler. */
  readonly replayed: Replayed;
  /** When the server process behind it began: with the process number it names one backend for good. */
  readonly backendStart: string;
  /** The server's clock, in seconds since 1970, when the client's own stood at 0. */
  readonly serverEpoch: number;
}
