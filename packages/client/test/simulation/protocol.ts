/** What travels between a simulated client and a simulated server: PostgreSQL's messages, without their bytes. */
import type { QueryResult } from 'pg';
import type { EndpointKind } from './endpoints.ts';
import type { Notice, Notification, Statement } from '../../src/wire/wire.ts';

/** What the client knew when it sent something: the measure for "no statement to a server it knew to be old". */
export interface SentFrom {
  readonly endpoint: EndpointKind;
  /** The highest timeline that any identity answer had told the client by then; 0 for none. */
  readonly toldTimeline: number;
}

export type Request =
  /** One statement by the extended protocol, with its own Sync. */
  | { readonly kind: 'query'; readonly statement: Statement; readonly from: SentFrom }
  /** One simple message that may hold several statements. */
  | { readonly kind: 'script'; readonly text: string; readonly from: SentFrom }
  /** A portion of a statement's rows. The first opens the portal; no Sync before its end. */
  | {
      readonly kind: 'fetch';
      readonly statement: Statement;
      readonly maxRows: number;
      readonly from: SentFrom;
    }
  /** Closes the portal. */
  | { readonly kind: 'close-portal'; readonly from: SentFrom }
  /** Begins a COPY from the client, which is answered at its end. */
  | { readonly kind: 'copy'; readonly text: string; readonly from: SentFrom }
  | { readonly kind: 'copy-data'; readonly data: string; readonly from: SentFrom }
  /** Its end, or that the client gives it up. */
  | { readonly kind: 'copy-done' | 'copy-fail'; readonly from: SentFrom };

export type TransactionStatus = 'idle' | 'open' | 'failed';

export type Response =
  | { readonly kind: 'welcome'; readonly processId: number }
  | {
      readonly kind: 'answer';
      readonly results: readonly QueryResult[];
      /** Set where the request failed; what was answered before the error is lost, as with pg. */
      readonly error: SqlError | undefined;
      readonly status: TransactionStatus;
    }
  /** An error that ends the session; at sign-in too. */
  | { readonly kind: 'fatal'; readonly error: SqlError }
  | { readonly kind: 'notice'; readonly notice: Notice; readonly message: string }
  | { readonly kind: 'notification'; readonly notification: Notification }
  | { readonly kind: 'parameter'; readonly name: string; readonly value: string };

/** How a connection ends: with a goodbye, or with a reset that may throw away what was not read yet. */
export type CloseKind = 'fin' | 'reset';

/** What stands at the server's end of a connection: a backend or a pooler's session. */
export interface Peer {
  receive(request: Request): void;
  /** The client's end is closed. */
  hangUp(how: CloseKind): void;
}

/** The way back to the client. */
export interface Reply {
  send(response: Response): void;
  close(how: CloseKind): void;
  /** For faults: something in between forgets the connection, or swallows what goes over it. */
  readonly network?: { cut(): void; swallow(direction: 'both'): void; giveBack(): void };
}

/** An error as the server reports it. */
export class SqlError extends Error {
  readonly code: string;
  readonly severity: 'ERROR' | 'FATAL';

  constructor(code: string, message: string, severity: 'ERROR' | 'FATAL' = 'ERROR') {
    super(message);
    this.code = code;
    this.severity = severity;
  }
}

export function rowsOf(command: string, rows: Record<string, unknown>[] = []): QueryResult {
  return { command, rows, rowCount: rows.length, oid: 0, fields: [] };
}
