import type { QueryResult, QueryResultRow } from 'pg';
import type { Connection } from '../../endpoint/connection.ts';
import type { Causality } from '../../execution/causality.ts';
import type { Execution } from '../../execution/execution.ts';
import type { HeldTraits } from '../../execution/held-connection.ts';
import type { Operation, Route } from '../../execution/operation.ts';
import type { Statement } from '../../wire/wire.ts';
import type { CallOptions, StreamOptions } from '../call-options.ts';
import type { WhileOpen } from '../operations.ts';

/** What is known of a statement before it is sent. */
export interface KnownStatement extends HeldTraits {
  /** BEGIN and its like, upper case. */
  readonly transactionControl: string | undefined;
}

/** What a Kysely dialect needs of its client. */
export interface KyselyAccess {
  readonly execution: Execution;
  /** The client's own deadline, in milliseconds. */
  readonly deadlineMs: number;
  readonly safeFunctions: readonly string[];
  readonly causality: Causality;
  readonly toPrimary: Route;
  readonly whileOpen: WhileOpen;
  /** What a text does, by PostgreSQL's parser. */
  readonly traits: (text: string) => Promise<KnownStatement>;
  /** Whether a standby has refused the text, which looked like a read. */
  readonly wasRefused: (text: string) => boolean;
  /** Runs a statement without effect: on a replica where one may serve it, or on the primary if that is asked for. */
  readonly read: (
    statement: Statement,
    from: 'anywhere' | 'primary',
    options: CallOptions,
  ) => Promise<QueryResult>;
  /** The rows of a statement without effect, in portions. */
  readonly portions: (
    statement: Statement,
    known: HeldTraits,
    from: 'anywhere' | 'primary',
    options: StreamOptions,
  ) => AsyncGenerator<QueryResultRow[], void, undefined>;
  /** Runs an operation of the dialect's own. */
  readonly run: <T>(
    name: string,
    options: CallOptions,
    work: Pick<Operation<T>, 'route' | 'attempt' | 'direct'>,
  ) => Promise<T>;
  /** Whether a transaction on the connection can carry a mark; where not, the client says so once. */
  readonly mayMark: (connection: Connection) => boolean;
}

/** The name of the client's method that gives it: no property that an app would meet. */
export const kyselyAccess: unique symbol = Symbol('kyselyAccess');
