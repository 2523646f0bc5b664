/** The database under test cannot be reached or used; the message is one line for the operator. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}
