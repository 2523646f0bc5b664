/** What ends a command that operates a cluster. */
export type OperationFailure =
  | {
      readonly code: 'credentials-missing';
      readonly namespace: string;
      readonly secret: string;
      readonly key: string;
    }
  /** The API server, or the pod's node, does not let a command or a connection into a pod. */
  | {
      readonly code: 'pod-refused';
      readonly namespace: string;
      readonly pod: string;
      readonly what: 'exec' | 'portforward';
      readonly reason: string;
    }
  /** Patroni's own words, which are English. */
  | { readonly code: 'switchover-refused'; readonly pod: string; readonly reason: string }
  | { readonly code: 'no-single-primary'; readonly cluster: string; readonly pods: readonly string[] }
  | {
      readonly code: 'not-a-candidate';
      readonly pod: string;
      readonly why: CandidateObstacle;
      readonly candidates: readonly string[];
    }
  | {
      readonly code: 'nobody-took-over';
      readonly cluster: string;
      readonly obstacle: TakeoverObstacle;
      readonly seconds: number;
    }
  /** A drill begins with a cluster that is whole, and is over when it is whole again. */
  | {
      readonly code: 'not-whole';
      readonly cluster: string;
      readonly reason: NotWhole;
      readonly seconds: number;
    }
  /** The load generator's own words, which are English. */
  | { readonly code: 'load-failed'; readonly reason: string }
  | { readonly code: 'cannot-listen'; readonly port: number; readonly reason: string }
  | { readonly code: 'not-in-lab'; readonly what: string; readonly key: string };

/** Why a member cannot lead. */
export type CandidateObstacle =
  'nobody' | 'unknown' | 'is-primary' | 'not-ready' | 'not-synchronous' | 'behind';

/** Why nobody has taken over yet. */
export type TakeoverObstacle =
  | { readonly is: 'old-leads'; readonly pod: string }
  | { readonly is: 'nobody-leads' }
  | { readonly is: 'several-lead'; readonly pods: readonly string[] }
  | { readonly is: 'leader-not-ready'; readonly pod: string };

/** What verify would call a fault of the members. */
export interface NotWhole {
  readonly de: string;
  readonly en: string;
}
