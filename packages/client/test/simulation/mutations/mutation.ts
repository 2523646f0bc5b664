/**
 * A way to break the client on purpose. A simulation that does not notice it would prove nothing. `find` must occur
 * exactly once in the file, so that a mutation whose place has changed is told from one that is not noticed.
 */
export interface Mutation {
  readonly name: string;
  /** What it does in one place, or in a few that mean nothing alone. */
  readonly edits: readonly [Edit, ...Edit[]];
}

export interface Edit {
  /** Below `packages/client/src`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}
