export type ClusterErrorCode =
  /** An option or a fault that does not exist or is out of range. */
  | 'bad-option'
  /** This machine lacks something: binaries, an account, room on the disk. */
  | 'environment'
  /** The cluster could not be brought up. */
  | 'start-failed'
  /** A fault could not be applied as things stand. */
  | 'fault-failed'
  /** There is no such cluster (any more), or one of that name runs already. */
  | 'no-cluster'
  | 'name-taken';

/** What users of the local cluster see: one line that says what was given, what is allowed and what to do. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  /** Stable; what programs compare. */
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The line to show for anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
