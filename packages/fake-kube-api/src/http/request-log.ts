export type Verb =
  'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'apply' | 'delete' | 'deletecollection';

export interface LoggedRequest {
  readonly verb: Verb;
  readonly path: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly dryRun: boolean;
  readonly fieldManager: string;
  /** HTTP status of the answer; 0 where the connection was cut or left hanging instead. */
  readonly code: number;
}

const WRITES: ReadonlySet<Verb> = new Set([
  'create',
  'update',
  'patch',
  'apply',
  'delete',
  'deletecollection',
]);

/** The requests of clients for resources, in the order of their answers. What controllers do is not among them. */
export class RequestLog {
  #entries: LoggedRequest[] = [];

  record(entry: LoggedRequest): void {
    this.#entries.push(entry);
  }

  all(): readonly LoggedRequest[] {
    return this.#entries;
  }

  /** Requests that asked for a change, whether one came of it or not; dry runs are none. */
  writes(): LoggedRequest[] {
    return this.#entries.filter(({ verb, dryRun }) => WRITES.has(verb) && !dryRun);
  }

  count(verb: Verb): number {
    return this.#entries.filter((entry) => entry.verb === verb).length;
  }

  clear(): void {
    this.#entries = [];
  }
}
