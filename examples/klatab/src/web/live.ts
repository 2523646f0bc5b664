/**
 * Pages that keep up to date: the database tells what has changed (NOTIFY), and open pages hear of it by server-sent
 * events and fetch themselves again. They are told which table, never what: what one may see is decided when the page
 * is read.
 */
import type { ServerResponse } from 'node:http';
import type { SchoolDb } from '@schooldb/client';
import type { FastifyInstance } from 'fastify';
import { SIGNED_IN, accountOf } from './access.ts';
import type { Outage } from './outage.ts';

/** Proxies close what is silent for a minute. */
const HEARTBEAT_MS = 25_000;
/** After the client's own deadline, or where the server has said no. */
const RETRY_MS = 10_000;
/** Of one account, at most: the oldest is closed. Nobody looks at more pages than that. */
const STREAMS_PER_ACCOUNT = 20;

export class Live {
  readonly #db: SchoolDb;
  readonly #outage: Outage;
  /** The streams of each account, oldest first. */
  readonly #streams = new Map<number, Set<ServerResponse>>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #forgetOutage: () => void;
  /** Ends the subscription, whether it has begun or still waits for a primary. */
  readonly #closing = new AbortController();

  constructor(db: SchoolDb, outage: Outage) {
    this.#db = db;
    this.#outage = outage;
    this.#forgetOutage = outage.onChange((isOut) => this.#tell('datenbank', isOut ? 'weg' : 'da'));
    this.#heartbeat = setInterval(() => this.#write(': noch da\n\n'), HEARTBEAT_MS).unref();
  }

  /** Begins to listen; where there is no primary yet, as soon as there is one. */
  start(): void {
    const { signal } = this.#closing;
    this.#db
      .listen('klatab_changed', ({ payload }) => void this.#changed(payload ?? 'alles'), {
        // The connection was lost for a while: whatever was missed, pages look again.
        onGap: () => void this.#changed('alles'),
        signal,
      })
      .catch(() => {
        if (!signal.aborted) setTimeout(() => this.start(), RETRY_MS).unref();
      });
  }

  get streams(): number {
    return [...this.#streams.values()].reduce((sum, { size }) => sum + size, 0);
  }

  open(accountId: number, response: ServerResponse): void {
    // The session is looked up before, for seconds in an outage: who has left meanwhile is not told of again.
    if (response.destroyed) return;
    const own = this.#streams.get(accountId) ?? new Set();
    this.#streams.set(accountId, own.add(response));
    const [oldest] = own;
    if (own.size > STREAMS_PER_ACCOUNT) oldest?.end();
    response.on('close', () => {
      own.delete(response);
      if (own.size === 0) this.#streams.delete(accountId);
    });
    response.write(
      `retry: 2000\nevent: datenbank\ndata: ${this.#outage.since === undefined ? 'da' : 'weg'}\n\n`,
    );
  }

  close(): void {
    this.#closing.abort();
    clearInterval(this.#heartbeat);
    this.#forgetOutage();
    for (const stream of this.#all()) stream.end();
  }

  /**
   * Somebody, maybe another process, has committed a change. From here on this process must not read anything older:
   * the primary is asked where it stands, as after a write of our own, and reads are held to that.
   */
  async #changed(table: string): Promise<void> {
    await this.#db.write('SELECT 1').catch(() => {});
    this.#tell('geaendert', table);
  }

  #tell(event: string, data: string): void {
    this.#write(`event: ${event}\ndata: ${data}\n\n`);
  }

  #write(text: string): void {
    for (const stream of this.#all()) stream.write(text);
  }

  #all(): ServerResponse[] {
    return [...this.#streams.values()].flatMap((streams) => [...streams]);
  }
}

export function addLiveRoute(app: FastifyInstance, live: Live): void {
  app.get('/live', { config: { access: SIGNED_IN } }, (request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx hands it on at once then.
      'x-accel-buffering': 'no',
    });
    live.open(accountOf(request).id, reply.raw);
  });
}
