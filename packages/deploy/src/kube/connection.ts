import { Agent, request } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { PodChannels } from './pod-channels.ts';

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: object;
  /** @defaultValue 'json' */
  readonly bodyType?: 'json' | 'apply' | 'merge';
}

export interface KubeAnswer {
  readonly status: number;
  readonly body: string;
  readonly retryAfterMs: number;
  /** What time it was for the server, in milliseconds since 1970; undefined where it does not say. */
  readonly dateMs?: number;
}

const CONTENT_TYPES = {
  json: 'application/json',
  // JSON is YAML.
  apply: 'application/apply-patch+yaml',
  merge: 'application/merge-patch+json',
} as const;

/** How a request reaches an API server. */
export interface KubeConnection {
  /** The server and the context that it was chosen by, for people. */
  readonly server: string;
  readonly context: string;
  readonly pods: PodChannels;
  /** Rejects where no whole answer comes: no route, a wrong certificate, the signal. */
  send(request: KubeRequest, signal: AbortSignal): Promise<KubeAnswer>;
  /** Idle connections would keep the process alive until the server drops them. */
  close(): void;
}

/**
 * Credentials, certificates, proxies and exec plugins are the client library's. The requests are our own: its object API
 * parses answers into classes, which drops fields that it does not know, and takes no signal, so a server that hangs
 * would hang us.
 */
export class KubeConfigConnection implements KubeConnection {
  readonly server: string;
  readonly context: string;
  readonly pods: PodChannels;
  readonly #config: KubeConfig;
  /** A handshake for each request would be most of a plan's time. */
  readonly #agent = new Agent({ keepAlive: true });

  /** @param config - with a current context whose cluster has an https address. */
  constructor(config: KubeConfig) {
    this.#config = config;
    this.pods = new PodChannels(config);
    this.server = config.getCurrentCluster()?.server ?? '';
    this.context = config.getCurrentContext();
  }

  close(): void {
    this.#agent.destroy();
  }

  async send(
    { method, path, body, bodyType = 'json' }: KubeRequest,
    signal: AbortSignal,
  ): Promise<KubeAnswer> {
    const options: RequestOptions = {};
    // Each time: a token may have expired.
    await this.#config.applyToHTTPSOptions(options);
    // The library's agents close their connections; behind a proxy they are needed.
    if (this.#config.getCurrentCluster()?.proxyUrl === undefined) options.agent = this.#agent;
    const headers: Record<string, string> = { ...(options.headers as Record<string, string>) };
    headers['Accept'] = 'application/json';
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    if (content !== undefined) {
      headers['Content-Type'] = CONTENT_TYPES[bodyType];
      // Node says nothing of the body of a DELETE otherwise, which then reads like the next request.
      headers['Content-Length'] = String(content.length);
    }
    const url = new URL(`${this.server.replace(/\/$/, '')}${path}`);
    return new Promise((resolve, reject) => {
      const sent = request(url, { ...options, method, headers, signal }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const retryAfterMs = Number(response.headers['retry-after'] ?? 0) * 1_000;
          const dateMs = Date.parse(response.headers.date ?? '');
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            retryAfterMs: Number.isFinite(retryAfterMs) ? retryAfterMs : 0,
            ...(Number.isFinite(dateMs) ? { dateMs } : {}),
          });
        });
      });
      sent.on('error', reject);
      sent.end(content);
    });
  }
}
