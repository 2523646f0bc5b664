/** The command line asks for something that cannot be done; the message is one line for its author. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
