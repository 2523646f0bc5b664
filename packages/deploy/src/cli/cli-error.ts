/** What ends a command, in no language yet; texts.ts puts it into words. */
export type CliFailure =
  | { readonly code: 'cannot-read' | 'cannot-write'; readonly path: string; readonly reason: string }
  | { readonly code: 'directory-in-use'; readonly directory: string; readonly strangers: readonly string[] }
  | { readonly code: 'chart-missing'; readonly directory: string; readonly files: readonly string[] };

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly failure: CliFailure;

  constructor(failure: CliFailure, options?: ErrorOptions) {
    super(failure.code, options);
    this.failure = failure;
  }

  /** For what the operating system refuses. */
  static of(code: 'cannot-read' | 'cannot-write', path: string, cause: unknown): CliError {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return new CliError({ code, path, reason }, { cause });
  }
}
