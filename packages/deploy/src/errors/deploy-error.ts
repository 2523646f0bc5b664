/** What ends a command, in no language yet; the command line puts it into words. */
export type Failure =
  | { readonly code: 'cannot-read'; readonly path: string; readonly reason: string }
  | { readonly code: 'cannot-write'; readonly path: string; readonly reason: string }
  | { readonly code: 'directory-in-use'; readonly directory: string; readonly strangers: readonly string[] }
  | {
      readonly code: 'authority-unusable';
      readonly reason: 'unreadable' | 'no-authority' | 'other-key' | 'kind-of-key' | 'expires-first';
    }
  | { readonly code: 'chart-missing'; readonly directory: string; readonly files: readonly string[] };

export class DeployError extends Error {
  override readonly name = 'DeployError';
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.code, options);
    this.failure = failure;
  }

  /** For what the operating system refuses. */
  static of(code: 'cannot-read' | 'cannot-write', path: string, cause: unknown): DeployError {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return new DeployError({ code, path, reason }, { cause });
  }
}
