import { DeployError } from './deploy-error.ts';

const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What the API server says, in its `Status`. */
export interface RefusalDetails {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly { readonly reason: string; readonly message: string; readonly field: string }[];
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

  /** A webhook that has not answered: its program is not up (yet). One that says no is another matter. */
  get isWebhookSilent(): boolean {
    return this.details.status === 500 && this.details.message.includes('failed calling webhook');
  }

  /** Overload, a restart, somebody else's write in between: the same request may soon be answered otherwise. */
  get isPassing(): boolean {
    const { status, message } = this.details;
    if (status === 409) return this.owners.length === 0;
    // Webhooks have a longer deadline of their own; and a field of the wrong type is a 500, too.
    if (status === 500) return !this.isWebhookSilent && !message.startsWith('failed to create typed patch');
    return PASSING.has(status);
  }

  get isNamespaceMissing(): boolean {
    return this.details.status === 404 && this.details.message.startsWith('namespaces "');
  }
}

export interface FieldOwner {
  readonly manager: string;
  readonly fields: readonly string[];
}
