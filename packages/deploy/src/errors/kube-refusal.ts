import { DeployError } from './deploy-error.ts';

const PASSING: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** What the API server says, in its `Status`. */
export interface RefusalDetails {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly { readonly reason: string; readonly message: string; readonly field: string }[];
}

export type RefusalCause =
  | 'not-allowed'
  /** A webhook has not answered: its program is not up (yet). One that says no is another matter. */
  | 'webhook-silent'
  /** Somebody else's write in between; or, where owners are named, somebody else's field. */
  | 'contested'
  /** Overload, a restart, a fault of the server's own. */
  | 'server'
  | 'other';

/** Why the server refuses, as far as its answer tells. Pure. */
export function causeOf({ status, message }: Pick<RefusalDetails, 'status' | 'message'>): RefusalCause {
  // MetalLB's says no with a 403 to an administrator as well: pools that overlap, for one.
  if (/admission webhook .* denied the request/.test(message)) return 'other';
  if (status === 401 || status === 403) return 'not-allowed';
  if (status === 409) return 'contested';
  if (status === 500 && message.includes('failed calling webhook')) return 'webhook-silent';
  // A field that the definition does not know, or of the wrong type, is a 500, too.
  if (status === 500 && message.startsWith('failed to create typed patch')) return 'other';
  return status === 429 || status >= 500 ? 'server' : 'other';
}

/** The API server has answered, and will not do it. */
export class KubeRefusal extends DeployError {
  readonly details: RefusalDetails;

  constructor(resource: string, details: RefusalDetails) {
    super({ code: 'kube-refused', resource, status: details.status, message: details.message });
    this.details = details;
  }

  /** Fields that belong to other managers, by their owner; empty for any other refusal. */
  get owners(): FieldOwner[] {
    const conflicts = this.details.causes.filter(({ reason }) => reason === 'FieldManagerConflict');
    const byOwner = Map.groupBy(conflicts, ({ message }) => /"([^"]*)"/.exec(message)?.[1] ?? message);
    return [...byOwner].map(([manager, those]) => ({ manager, fields: those.map(({ field }) => field) }));
  }

  get isWebhookSilent(): boolean {
    return causeOf(this.details) === 'webhook-silent';
  }

  /** The same request may soon be answered otherwise. Webhooks have a longer deadline of their own. */
  get isPassing(): boolean {
    const cause = causeOf(this.details);
    if (cause === 'contested') return this.owners.length === 0;
    return cause === 'server' && PASSING.has(this.details.status);
  }

  get isNamespaceMissing(): boolean {
    return this.details.status === 404 && this.details.message.startsWith('namespaces "');
  }
}

export interface FieldOwner {
  readonly manager: string;
  readonly fields: readonly string[];
}
