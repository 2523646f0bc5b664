import type { OperationFailure } from './operation-failure.ts';

/** What ends a command, in no language yet; the command line puts it into words. */
export type Failure =
  | { readonly code: 'cannot-read'; readonly path: string; readonly reason: string }
  | { readonly code: 'cannot-write'; readonly path: string; readonly reason: string }
  | { readonly code: 'directory-in-use'; readonly directory: string; readonly strangers: readonly string[] }
  | {
      readonly code: 'authority-unusable';
      readonly reason: 'unreadable' | 'no-authority' | 'other-key' | 'kind-of-key' | 'expires-first';
    }
  | { readonly code: 'chart-missing'; readonly directory: string; readonly files: readonly string[] }
  | { readonly code: 'kubeconfig-missing'; readonly tried: readonly string[] }
  | {
      readonly code: 'kubeconfig-unusable';
      readonly path: string;
      readonly reason: 'unreadable' | 'no-context' | 'no-cluster' | 'no-user' | 'no-https';
    }
  | {
      readonly code: 'kube-unreachable';
      readonly server: string;
      readonly reason: string;
      readonly attempts: number;
    }
  /** The server's own words, which are English. */
  | {
      readonly code: 'kube-refused';
      readonly resource: string;
      readonly status: number;
      readonly message: string;
    }
  | {
      readonly code: 'conflict';
      readonly resource: string;
      readonly owners: readonly { readonly manager: string; readonly fields: readonly string[] }[];
    }
  | {
      readonly code: 'webhook-silent';
      readonly resource: string;
      readonly seconds: number;
      readonly message: string;
    }
  | {
      readonly code: 'waited-in-vain';
      readonly wait: Wait;
      readonly obstacle: Obstacle;
      readonly seconds: number;
    }
  /** Another run is changing the cluster. Instants are in milliseconds since 1970. */
  | {
      readonly code: 'locked';
      readonly holder: string;
      readonly sinceMs: number;
      /** Since its last sign of life, and until its lock ends by itself if none follows. */
      readonly silentSeconds: number;
      readonly endsInSeconds: number;
    }
  /** Somebody has taken our lock: this process must have stood still for longer than it lasts. */
  | { readonly code: 'lock-lost'; readonly holder: string }
  | OperationFailure
  | { readonly code: 'secret-missing'; readonly secret: string; readonly key: string; readonly from: string };

/** What a step waits for. */
export type Wait =
  | { readonly for: 'chart'; readonly name: string }
  | { readonly for: 'definition'; readonly name: string }
  | { readonly for: 'database'; readonly name: string }
  | { readonly for: 'address'; readonly service: string; readonly address: string }
  | { readonly for: 'claim'; readonly name: string }
  | { readonly for: 'job'; readonly namespace: string; readonly name: string }
  | { readonly for: 'gone'; readonly resource: string };

/** Why what is awaited is not there yet. */
export type Obstacle =
  | { readonly is: 'absent'; readonly resource: string }
  /** It has been deleted, and waits for those who hold it. */
  | { readonly is: 'ending'; readonly resource: string; readonly heldBy: readonly string[] }
  | { readonly is: 'not-established'; readonly resource: string }
  /** A Job that installed what the chart was before. */
  | { readonly is: 'not-replaced'; readonly resource: string }
  /** It will not go on by itself. */
  | { readonly is: 'failed'; readonly resource: string; readonly message: string }
  | { readonly is: 'running'; readonly resource: string; readonly failures: number }
  | { readonly is: 'not-ready'; readonly resource: string; readonly ready: number; readonly wanted: number }
  | { readonly is: 'status'; readonly resource: string; readonly status: string }
  | { readonly is: 'other-address'; readonly resource: string; readonly address: string }
  | { readonly is: 'no-address'; readonly resource: string };

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
