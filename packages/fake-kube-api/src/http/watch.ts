import type { Api } from '../api/api.ts';
import { matcher, type ListQuery } from '../api/list.ts';
import { expired } from '../objects/api-error.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { apiVersionOf, storageKey, type ResourceType } from '../kinds/resource-type.ts';
import type { Change } from '../store/store.ts';
import type { Exchange } from './exchange.ts';

export interface WatchQuery extends ListQuery {
  readonly allowWatchBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
  /** Asks for what is there first, with a bookmark behind it. */
  readonly sendInitialEvents: boolean;
}

interface Watching {
  readonly exchange: Exchange;
  readonly end: () => void;
}

/** The watches that are open. */
export class Watches {
  readonly #api: Api;
  readonly #bookmarkEveryMs: number;
  readonly #open = new Set<Watching>();

  constructor(api: Api, { bookmarkEveryMs }: { bookmarkEveryMs: number }) {
    this.#api = api;
    this.#bookmarkEveryMs = bookmarkEveryMs;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Answers a watch, which stays open until its time is over or the client leaves. */
  open(exchange: Exchange, type: ResourceType, namespace: string, query: WatchQuery): void {
    const { store, clock } = this.#api;
    const matches = matcher(type, query);
    const isInside = (object: KubeObject) =>
      (namespace === '' || object.metadata.namespace === namespace) && matches(object);
    exchange.response.writeHead(200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-cache, private',
    });
    exchange.response.flushHeaders();
    const send = (event: string, object: object) =>
      exchange.response.write(`${JSON.stringify({ type: event, object })}\n`);
    const asked = query.resourceVersion ?? '';
    const isFromNow = asked === '' || asked === '0' || query.sendInitialEvents;
    const since = isFromNow ? store.revision : Number(asked);
    if (since < store.oldest) {
      send('ERROR', { ...expired(`too old resource version: ${since} (${store.oldest})`).toStatus() });
      exchange.response.end();
      return;
    }
    const tell = (change: Change) => {
      const event = eventFor(change, isInside);
      if (event !== undefined) send(event, { ...change.object, apiVersion: apiVersionOf(type) });
    };
    const bookmark = (annotations?: Record<string, string>) => {
      const metadata = {
        resourceVersion: String(store.revision),
        ...(annotations === undefined ? {} : { annotations }),
      };
      send('BOOKMARK', { kind: type.kind, apiVersion: apiVersionOf(type), metadata });
    };
    if (isFromNow)
      for (const object of store.list(storageKey(type), namespace))
        if (matches(object)) send('ADDED', { ...object, apiVersion: apiVersionOf(type) });
    if (query.sendInitialEvents && query.allowWatchBookmarks)
      bookmark({ 'k8s.io/initial-events-end': 'true' });
    for (const change of store.changesSince(storageKey(type), since)) tell(change);
    const stopListening = store.onChange((change) => {
      if (change.resource === storageKey(type)) tell(change);
    });
    const cancel: (() => void)[] = [stopListening];
    const end = () => {
      for (const each of cancel) each();
      this.#open.delete(watching);
      exchange.response.end();
    };
    const watching = { exchange, end };
    this.#open.add(watching);
    exchange.response.on('close', end);
    if (query.allowWatchBookmarks) this.#keepBookmarking(bookmark, cancel);
    if (query.timeoutSeconds !== undefined && query.timeoutSeconds > 0) {
      cancel.push(clock.after(query.timeoutSeconds * 1_000, end));
    }
  }

  #keepBookmarking(bookmark: () => void, cancel: (() => void)[]): void {
    const again = () => {
      cancel[1] = this.#api.clock.after(this.#bookmarkEveryMs, () => {
        bookmark();
        again();
      });
    };
    again();
  }

  /** Ends all of them cleanly, as a server does that is restarted. */
  end(): void {
    for (const { end } of this.#open) end();
  }

  /** Cuts their connections. */
  cut(): void {
    for (const { exchange } of this.#open) exchange.request.socket.destroy();
  }
}

/** An object that starts or stops to match comes or goes, whatever happened to it. */
function eventFor(
  { type, object, previous }: Change,
  isInside: (object: KubeObject) => boolean,
): string | undefined {
  const was = previous !== undefined && isInside(previous);
  const is = type !== 'DELETED' && isInside(object);
  if (was && is) return 'MODIFIED';
  if (is) return 'ADDED';
  return was ? 'DELETED' : undefined;
}
