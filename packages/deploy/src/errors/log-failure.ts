/** Why a log cannot be shown. */
export type LogFailure =
  | { readonly code: 'no-pods'; readonly what: string; readonly namespace: string }
  /** Its container is being created, or waits for its next start. */
  | {
      readonly code: 'log-not-yet';
      readonly namespace: string;
      readonly pod: string;
      readonly reason: string;
    }
  | {
      readonly code: 'log-refused';
      readonly namespace: string;
      readonly pod: string;
      readonly status: number;
      readonly reason: string;
    };
