import { createServer, type Server } from 'node:https';
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Api } from '../api/api.ts';
import { faultError } from '../faults/fault-error.ts';
import type { FaultBook, FaultEffect } from '../faults/fault-book.ts';
import { ApiError, pathNotFound } from '../objects/api-error.ts';
import { authenticate } from './authentication.ts';
import type { ServerCertificates } from './certificates.ts';
import { group, groupList, resourceList, SERVER_VERSION } from './discovery.ts';
import { Exchange } from './exchange.ts';
import { readPath, type ResourcePath } from './request-info.ts';
import type { PodStreams } from './pod-streams.ts';
import type { RequestLog } from './request-log.ts';
import { verbOf, type ResourceHandler } from './resource-handler.ts';

/** The HTTPS server: who asks, what is asked for, which fault it meets, and the record of it. */
export class ApiServer {
  readonly #server: Server;
  readonly #api: Api;
  readonly #token: string;
  readonly #handler: ResourceHandler;
  readonly #faults: FaultBook;
  readonly #log: RequestLog;
  readonly #streams: PodStreams;

  constructor(
    api: Api,
    {
      certificates,
      token,
      handler,
      faults,
      log,
      streams,
    }: {
      certificates: ServerCertificates;
      token: string;
      handler: ResourceHandler;
      faults: FaultBook;
      log: RequestLog;
      streams: PodStreams;
    },
  ) {
    this.#api = api;
    this.#token = token;
    this.#handler = handler;
    this.#faults = faults;
    this.#log = log;
    this.#streams = streams;
    const { ca, server } = certificates;
    // Connections stay open while nobody asks, so that no client meets one that is just being closed.
    const options = {
      keepAliveTimeout: 3_600_000,
      ca,
      cert: server.certificate,
      key: server.key,
      requestCert: true,
      rejectUnauthorized: false,
    };
    this.#server = createServer(options, (request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** @returns the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#streams.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response);
    // A client may leave at any moment.
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    try {
      authenticate(request, this.#token, exchange.url.pathname);
      const path = readPath(exchange.url.pathname);
      if (path.kind === 'resource') await this.#answerResource(exchange, path);
      else this.#answerDiscovery(exchange, path);
    } catch (error) {
      if (!response.headersSent && !response.destroyed) exchange.fail(error);
    }
  }

  /** A refusal is an answer before the connection changes its protocol. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    try {
      authenticate(request, this.#token, new URL(request.url ?? '/', 'https://localhost').pathname);
      this.#streams.upgrade(request, socket, head);
    } catch (error) {
      const { code, body } =
        error instanceof ApiError ? { code: error.code, body: error.toStatus() } : { code: 500, body: {} };
      const text = JSON.stringify(body);
      socket.end(
        `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
      );
    }
  }

  #answerDiscovery(exchange: Exchange, path: Exclude<ReturnType<typeof readPath>, ResourcePath>): void {
    const types = this.#api.registry.listed();
    switch (path.kind) {
      case 'versions':
        return exchange.send(200, { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] });
      case 'groups':
        return exchange.send(200, groupList(types));
      case 'group':
        return exchange.send(200, group(types, path.group));
      case 'resources':
        return exchange.send(200, resourceList(types, path.group, path.version));
      case 'plain':
        return path.what === 'version' ? exchange.send(200, SERVER_VERSION) : exchange.sendText(200, 'ok');
      case 'unknown':
        throw pathNotFound();
    }
  }

  async #answerResource(exchange: Exchange, path: ResourcePath): Promise<void> {
    const verb = verbOf(exchange, path);
    const { group, plural: resource, namespace, name, subresource } = path;
    const { searchParams } = exchange.url;
    const fieldManager = searchParams.get('fieldManager') ?? '';
    const request = {
      verb,
      group,
      resource,
      namespace,
      name,
      subresource,
      path: exchange.url.pathname,
      fieldManager,
    };
    const record = (code: number) =>
      this.#log.record({ ...request, dryRun: searchParams.getAll('dryRun').includes('All'), code });
    const body = await exchange.body();
    const effect = this.#faults.meet(request);
    if (effect !== undefined) {
      this.#strike(exchange, effect, () => this.#handler.handle(exchange, path, body));
      record(faultError(effect)?.code ?? 0);
      return;
    }
    try {
      this.#handler.handle(exchange, path, body);
    } catch (error) {
      exchange.fail(error);
    }
    record(exchange.response.statusCode);
  }

  /** What happens instead of an answer. */
  #strike(exchange: Exchange, effect: FaultEffect, carryOut: () => void): void {
    const error = faultError(effect);
    if (error !== undefined) exchange.fail(error);
    if (effect.kind === 'lose-answer') {
      // What would be sent goes nowhere; what it does, stays done.
      exchange.response.destroy();
      try {
        carryOut();
      } catch {
        // The client will not learn of a refusal either.
      }
    }
    if (effect.kind === 'cut') exchange.request.socket.destroy();
  }
}
