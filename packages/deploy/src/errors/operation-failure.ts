/** What ends a command that operates a cluster. */
export type OperationFailure = {
  readonly code: 'credentials-missing';
  readonly namespace: string;
  readonly secret: string;
  readonly key: string;
};
