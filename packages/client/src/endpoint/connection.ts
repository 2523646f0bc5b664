import type { ServerIdentity } from '../policy/topology.ts';
import type { Wire } from '../wire/wire.ts';

/** A wire whose server is known: it has told its role and timeline, and was found fit for the endpoint. */
export interface Connection {
  readonly wire: Wire;
  readonly identity: ServerIdentity;
  /** Whether `schooldb.mark` and `schooldb.settle` are there and granted to us. */
  readonly hasCommitSlots: boolean;
  /** When the server process behind it began: with the process number it names one backend for good. */
  readonly backendStart: string;
}
