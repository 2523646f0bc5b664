export { createSchoolDb } from './api/create-school-db.ts';
export type { AnySchema, Health, SchoolDb } from './api/create-school-db.ts';
export type { Session } from './api/session.ts';
export { SCHOOL_DB_DEFAULTS } from './api/options.ts';
export type { AddressOption, SchoolDbOptions } from './api/options.ts';
export type {
  AdvisoryLockOptions,
  CallOptions,
  CopyFromOptions,
  CopyToOptions,
  StatementOptions,
  StreamOptions,
  TransactionOptions,
} from './api/call-options.ts';
export type { LeasedConnection } from './api/leases.ts';
export type { ListenOptions, NotificationGap, Subscription } from './api/listen.ts';
export { schemaGrantSql, schemaSql } from './api/schema.ts';
export type { EndpointHealth } from './endpoint/endpoint.ts';
export type { CopyResult, CopySource } from './execution/copy.ts';
export type { StatementResult } from './execution/in-transaction-attempt.ts';
export type { Transaction } from './execution/transaction-scope.ts';
export { FAILURES, judgeFailure, kindOfFailure } from './policy/classify.ts';
export type {
  Failure,
  FailureAction,
  FailureKind,
  FailurePhase,
  FailureRow,
  FailureVerdict,
  StatementSafety,
} from './policy/classify.ts';
export type { AttemptTrace, FailoverTrace, LeaseTrace, OperationTrace } from './runtime/diagnostics.ts';
export type { EndpointKind } from './policy/topology.ts';
export type { ClientEvents } from './endpoint/client-events.ts';
export type { Notification, TlsOptions } from './wire/wire.ts';
export { SchoolDbError } from './errors/base.ts';
export type { ErrorCode, Outcome } from './errors/base.ts';
export {
  AdvisoryLockBusyError,
  ClientClosedError,
  DeadlineExceededError,
  OperationAbortedError,
  WaitingLineFullError,
} from './errors/call-errors.ts';
export {
  CommitOutcomeUnknownError,
  CommitUnconfirmedError,
  ExactlyOnceUnavailableError,
  InvalidTokenError,
  TransactionRolledBackError,
} from './errors/commit-errors.ts';
export { ConnectionLostError, ConnectionRejectedError } from './errors/connection-errors.ts';
export { InvalidOptionsError, StatementRefusedError } from './errors/option-errors.ts';
