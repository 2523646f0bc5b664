import type { LogFailure } from './log-failure.ts';

/** What ends a command that operates a cluster. */
export type OperationFailure =
  | LogFailure
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
  | { readonly code: 'versions-refused'; readonly refused: readonly RefusedVersion[] }
  /** The load generator's own words, which are English. */
  | { readonly code: 'load-failed'; readonly reason: string }
  /** The lab.yaml that is shipped is nobody's own, and not to be changed. */
  | { readonly code: 'shipped-lab'; readonly path: string }
  /** The cluster differs from its lab.yaml in more than what is to be changed. */
  | { readonly code: 'other-changes'; readonly resource: string; readonly fields: readonly string[] }
  | { readonly code: 'no-room'; readonly shortage: Shortage; readonly more: number }
  | { readonly code: 'senders-late'; readonly obstacle: SendersObstacle; readonly seconds: number }
  | { readonly code: 'primary-would-go'; readonly pod: string; readonly instances: number }
  | { readonly code: 'members-stay'; readonly pods: readonly string[]; readonly seconds: number }
  | { readonly code: 'too-many-for-local'; readonly instances: number; readonly most: number }
  /** The local cluster's own words, which are English. */
  | { readonly code: 'local-failed'; readonly reason: string }
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

/** A part that runs in a version from which there is no safe way to the one that is wanted. */
export interface RefusedVersion {
  readonly part: string;
  readonly from: string;
  readonly to: string;
  readonly why: 'downgrade' | 'major';
}

/** What verify would call a fault of the members. */
export interface NotWhole {
  readonly de: string;
  readonly en: string;
}

/** What the first instance lacks that finds no place. CPUs, or bytes of memory. */
export interface Shortage {
  readonly what: 'cpu' | 'memory' | 'nodes';
  /** The one that would have been next, with most room. */
  readonly node: string;
  readonly needed: number;
  readonly free: number;
  /** How many instances more there is room for. */
  readonly placed: number;
}

/** Why the senders and slots are not there yet. */
export type SendersObstacle =
  | { readonly is: 'restart-pending'; readonly pods: readonly string[] }
  | {
      readonly is: 'setting-small';
      readonly setting: string;
      readonly value: number;
      readonly wanted: number;
    }
  | { readonly is: 'no-answer'; readonly reason: string };
