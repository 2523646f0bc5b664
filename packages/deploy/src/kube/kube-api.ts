import { setTimeout as pause } from 'node:timers/promises';
import { DeployError } from '../errors/deploy-error.ts';
import { KubeRefusal } from '../errors/kube-refusal.ts';
import type { RefusalDetails } from '../errors/kube-refusal.ts';
import type { KubeObject } from '../manifests/schema/kinds.ts';
import type { KubeAnswer, KubeConnection, KubeRequest } from './connection.ts';
import type { LiveObject, Observed } from './live-object.ts';
import { pauseMs } from './pace.ts';
import type { Pace } from './pace.ts';
import { pathOf, resourceText } from './resource.ts';
import type { Resource, ResourceKind } from './resource.ts';

/** Under which our fields stand in `managedFields`. One for all versions, or the next would be in conflict with this. */
export const FIELD_MANAGER = 'schooldb-deploy';

/** Why a request is still without an answer, for whoever waits. */
export interface Delay {
  readonly server: string;
  /** Why the last attempt came to nothing; undefined in the first. In the server's or the system's own words. */
  readonly reason: string | undefined;
  readonly attempt: number;
  readonly attempts: number;
}

/** Characters of a server's message; a real one with all its causes has far fewer. */
const LONGEST_MESSAGE = 1_000;
/** Nobody waits longer without a word. */
const TOLD_AFTER_MS = 1_000;

/** The requests that we make. All are safe to repeat, and are, while the trouble may pass. */
export class KubeApi {
  readonly #connection: KubeConnection;
  readonly #pace: Pace;
  readonly #signal: AbortSignal;
  readonly #onDelay: (delay: Delay) => void;
  /** By how much the server's clock is ahead of ours. */
  #aheadMs = 0;

  /**
   * @param signal - ends every request and every pause.
   * @param onDelay - hears each second of a request that takes longer than that.
   */
  constructor(
    connection: KubeConnection,
    pace: Pace,
    signal: AbortSignal,
    onDelay: (delay: Delay) => void = () => {},
  ) {
    this.#connection = connection;
    this.#pace = pace;
    this.#signal = signal;
    this.#onDelay = onDelay;
  }

  /** The same server, with another signal. */
  withSignal(signal: AbortSignal): KubeApi {
    return new KubeApi(this.#connection, this.#pace, signal, this.#onDelay);
  }

  /** What time it is for the server, to a second, in milliseconds since 1970; ours before its first answer. */
  now(): number {
    return Date.now() + this.#aheadMs;
  }

  /** @throws DeployError where the server cannot be reached or refuses. */
  async get(resource: Resource): Promise<Observed> {
    const { status, body } = await this.#send(resource, { method: 'GET', path: pathOf(resource) });
    if (status === 404) return { state: parsed(body) === undefined ? 'kind-absent' : 'absent' };
    return { state: 'found', object: accepted(resource, { status, body }) };
  }

  /** All objects of a kind, in a namespace or everywhere. Empty where the server does not know the kind. */
  async list(kind: ResourceKind, namespace?: string): Promise<LiveObject[]> {
    const answer = await this.#send(
      { kind, namespace, name: '' },
      { method: 'GET', path: pathOf({ kind, namespace }) },
    );
    if (answer.status === 404 && parsed(answer.body) === undefined) return [];
    const { items } = accepted({ kind, namespace, name: '' }, answer) as unknown as { items?: LiveObject[] };
    // Kubernetes leaves out of a list's items what all of them have in common.
    return (items ?? []).map((each) => ({ ...each, kind }));
  }

  /**
   * Server-side apply.
   *
   * @param options.force - takes fields that belong to other managers from them.
   * @throws KubeRefusal with the owners of what belongs to somebody else.
   */
  async apply(
    object: KubeObject,
    { dryRun, force = false }: { readonly dryRun: boolean; readonly force?: boolean },
  ): Promise<LiveObject> {
    const resource = resourceOf(object);
    // Strictly: a field that the server does not know would otherwise be dropped in silence.
    const query = `fieldManager=${FIELD_MANAGER}&fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}${force ? '&force=true' : ''}`;
    const path = `${pathOf(resource)}?${query}`;
    return accepted(
      resource,
      await this.#send(resource, { method: 'PATCH', path, body: object, bodyType: 'apply' }),
    );
  }

  /**
   * Changes single fields; the others, and whose they are, stay. `null` takes one away.
   *
   * @throws KubeRefusal, with the status 404 where the object is gone.
   */
  async merge(resource: Resource, patch: object): Promise<LiveObject> {
    const path = `${pathOf(resource)}?fieldManager=${FIELD_MANAGER}`;
    const request = { method: 'PATCH', path, body: patch, bodyType: 'merge' } as const;
    return accepted(resource, await this.#send(resource, request));
  }

  /**
   * An object that must not be there yet.
   *
   * @throws KubeRefusal, with the status 409 where it is; also where an attempt before had been carried out without our
   * getting to know.
   */
  async create(resource: Resource, object: object): Promise<LiveObject> {
    const path = `${pathOf({ kind: resource.kind, namespace: resource.namespace })}?fieldManager=${FIELD_MANAGER}`;
    return accepted(resource, await this.#send(resource, { method: 'POST', path, body: object }));
  }

  /**
   * The whole object, in the version that was seen.
   *
   * @param object - with its `resourceVersion`.
   * @throws KubeRefusal, with the status 409 where it has changed since.
   */
  async replace(resource: Resource, object: object): Promise<LiveObject> {
    const path = `${pathOf(resource)}?fieldManager=${FIELD_MANAGER}`;
    return accepted(resource, await this.#send(resource, { method: 'PUT', path, body: object }));
  }

  /**
   * Deletes an object, and what belongs to it in the background. What is gone already is no error.
   *
   * @param seen - as it was read: where another has its name by now, that one stays.
   * @param options.gracePeriodSeconds - how long a pod may take to end by itself.
   * @throws KubeRefusal, with the status 409 where it is another one, or has another version than was asked for.
   */
  async delete(
    resource: Resource,
    seen: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined },
    { gracePeriodSeconds }: { readonly gracePeriodSeconds?: number } = {},
  ): Promise<void> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions: seen,
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    };
    const answer = await this.#send(resource, { method: 'DELETE', path: pathOf(resource), body });
    if (answer.status !== 404) accepted(resource, answer);
  }

  /**
   * What a container of a pod has written.
   *
   * @param query - as the API takes it.
   */
  async log(resource: Resource, query: URLSearchParams): Promise<string> {
    const path = `${pathOf(resource)}/log?${query.toString()}`;
    const { status, body } = await this.#send(resource, { method: 'GET', path });
    if (status !== 200) throw refusalOf(resource, { status, body });
    return body;
  }

  async #send(resource: Resource, request: KubeRequest): Promise<KubeAnswer> {
    const { server } = this.#connection;
    const { attempts } = this.#pace;
    let delay: Delay = { server, reason: undefined, attempt: 1, attempts };
    const telling = setInterval(() => this.#onDelay(delay), TOLD_AFTER_MS);
    try {
      return await this.#sendUntilAnswered(resource, request, (reason, failures) => {
        delay = { ...delay, reason, attempt: Math.min(failures + 1, attempts) };
      });
    } finally {
      clearInterval(telling);
    }
  }

  async #sendUntilAnswered(
    resource: Resource,
    request: KubeRequest,
    onFailed: (reason: string, failures: number) => void,
  ): Promise<KubeAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt >= this.#pace.attempts;
      const outcome = await this.#attempt(request);
      if ('body' in outcome) {
        const { status, body } = outcome;
        if (isLast || status < 400) return outcome;
        // Where a version is named, the same request will not be answered otherwise.
        if (status === 409 && request.bodyType !== 'apply') return outcome;
        const refusal = new KubeRefusal(resourceText(resource), details(status, body));
        if (!refusal.isPassing) return outcome;
        onFailed(`${status}: ${refusal.details.message}`, attempt);
      } else {
        const { reason, isFinal } = outcome;
        const { server } = this.#connection;
        if (isLast || isFinal)
          throw new DeployError({ code: 'kube-unreachable', server, reason, attempts: attempt });
        onFailed(reason, attempt);
      }
      const retryAfterMs = 'body' in outcome ? outcome.retryAfterMs : 0;
      await this.pause(pauseMs(attempt, this.#pace, Math.random(), retryAfterMs));
    }
  }

  async #attempt(request: KubeRequest): Promise<KubeAnswer | { reason: string; isFinal: boolean }> {
    const timeout = AbortSignal.timeout(this.#pace.requestTimeoutMs);
    try {
      const answer = await this.#connection.send(request, AbortSignal.any([this.#signal, timeout]));
      if (answer.dateMs !== undefined) this.#aheadMs = answer.dateMs - Date.now();
      return answer;
    } catch (error) {
      this.#signal.throwIfAborted();
      if (timeout.aborted)
        return { reason: `no answer within ${this.#pace.requestTimeoutMs} ms`, isFinal: false };
      const { code = '', message } = error as NodeJS.ErrnoException;
      // A wrong certificate does not become right.
      return { reason: code === '' ? message : code, isFinal: /CERT|SELF_SIGNED|ERR_TLS/.test(code) };
    }
  }

  /** Of Kubernetes, as `v1.34.3+k3s1`; `-` where the server does not say. */
  async serverVersion(): Promise<string> {
    const { body } = await this.#send({ kind: 'Node', name: '' }, { method: 'GET', path: '/version' });
    const { gitVersion = '-' } = (parsed(body) ?? {}) as { gitVersion?: string };
    return gitVersion;
  }

  /** @throws what the signal was aborted with. */
  async pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#signal }).catch(() => this.#signal.throwIfAborted());
  }
}

export function resourceOf({ kind, metadata }: KubeObject): Resource {
  const namespace = 'namespace' in metadata ? metadata.namespace : undefined;
  return { kind, namespace, name: metadata.name };
}

function accepted(resource: Resource, { status, body }: Pick<KubeAnswer, 'status' | 'body'>): LiveObject {
  const object = parsed(body);
  if (status >= 200 && status < 300 && object !== undefined) return object as LiveObject;
  throw refusalOf(resource, { status, body });
}

export function refusalOf(
  resource: Resource,
  { status, body }: Pick<KubeAnswer, 'status' | 'body'>,
): KubeRefusal {
  return new KubeRefusal(resourceText(resource), details(status, body));
}

function details(status: number, body: string): RefusalDetails {
  const {
    reason = '',
    message = body.trim(),
    details: given,
  } = (parsed(body) ?? {}) as {
    reason?: string;
    message?: string;
    details?: { causes?: { reason?: string; message?: string; field?: string }[] };
  };
  const causes = (given?.causes ?? []).map((cause) => ({ reason: '', message: '', field: '', ...cause }));
  return { status, reason, message: inOneLine(message), causes };
}

/** A proxy in between answers with a page, and a server that has a fault of its own with where it happened. */
function inOneLine(message: string): string {
  const line = message.replaceAll(/\s*\n\s*/g, ' ');
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}…` : line;
}

/** What is no JSON is nobody's object: "404 page not found", or a proxy's page. */
function parsed(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
