import { connect } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { Api } from '../api/api.ts';
import { badRequest, forbidden, pathNotFound } from '../objects/api-error.ts';
import type { JsonObject } from '../objects/json.ts';
import type { PodPrograms } from './pod-programs.ts';
import { readPath, type ResourcePath } from './request-info.ts';

/** The first byte of every message says which stream it belongs to. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;
/** Of version 5 of the protocol: the client ends one of its streams. */
const CLOSE = 255;

/** `exec` and `portforward` of pods, over WebSockets. */
export class PodStreams {
  readonly #api: Api;
  readonly #programs: PodPrograms;
  readonly #server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) =>
      ['v5.channel.k8s.io', 'v4.channel.k8s.io'].find((each) => offered.has(each)) ?? false,
  });

  /** Of each pod that lives, by its uid. */
  readonly #open = new Map<string, Set<WebSocket>>();
  readonly #stopListening: () => void;

  constructor(api: Api, programs: PodPrograms) {
    this.#api = api;
    this.#programs = programs;
    this.#stopListening = api.store.onChange(({ type, resource, object }) => {
      if (type !== 'DELETED' || resource !== '/pods') return;
      for (const client of this.#open.get(object.metadata.uid ?? '') ?? []) client.terminate();
    });
  }

  /** Takes over a connection. @throws ApiError where there is no such pod or stream */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', 'https://localhost');
    const path = readPath(url.pathname);
    if (path.kind !== 'resource' || path.plural !== 'pods') throw pathNotFound();
    const type = this.#api.registry.find(path.group, path.version, path.plural);
    if (type === undefined || !['exec', 'portforward'].includes(path.subresource)) throw pathNotFound();
    const { uid = '' } = this.#api.get({ type, namespace: path.namespace, name: path.name }).metadata;
    const isExec = path.subresource === 'exec';
    if (this.#programs.forbidden.has(isExec ? 'exec' : 'portforward'))
      throw forbidden(type, path.name, 'the user may not do that');
    const port = isExec ? undefined : this.#portOf(path, url.searchParams);
    this.#server.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => undefined);
      this.#remember(uid, client);
      if (port === undefined) this.#exec(client, path, url.searchParams);
      else forward(client, Number(url.searchParams.get('ports')), port);
    });
  }

  /** What runs in a pod ends with it. */
  #remember(uid: string, client: WebSocket): void {
    const clients = this.#open.get(uid) ?? new Set();
    this.#open.set(uid, clients.add(client));
    client.on('close', () => {
      clients.delete(client);
      if (clients.size === 0) this.#open.delete(uid);
    });
  }

  close(): void {
    this.#stopListening();
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  #portOf({ namespace, name }: ResourcePath, query: URLSearchParams): number {
    const key = `${namespace}/${name}:${query.get('ports') ?? ''}`;
    const port = this.#programs.ports.get(key);
    if (port === undefined)
      throw badRequest(`nothing listens behind ${key}: name a port of this machine in pods.ports`);
    return port;
  }

  #exec(client: WebSocket, { namespace, name }: ResourcePath, query: URLSearchParams): void {
    let stdin = '';
    let isStarted = false;
    const start = async (): Promise<void> => {
      if (isStarted) return;
      isStarted = true;
      const container = query.get('container') ?? undefined;
      const command = { namespace, pod: name, container, command: query.getAll('command'), stdin };
      const { stdout = '', stderr = '', exitCode = 0 } = await this.#programs.run(command);
      if (stdout !== '') send(client, STDOUT, Buffer.from(stdout));
      if (stderr !== '') send(client, STDERR, Buffer.from(stderr));
      send(client, STATUS, Buffer.from(JSON.stringify(exitStatus(exitCode))));
      client.close(1000);
    };
    client.on('message', (data: RawData) => {
      const message = bytesOf(data);
      if (message[0] === STDIN) stdin += message.subarray(1).toString();
      if (message[0] === CLOSE) void start();
    });
    if (query.get('stdin') !== 'true') void start();
  }
}

function exitStatus(exitCode: number): JsonObject {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: command terminated with exit code ${exitCode}`,
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

/** Each of the two streams, data and errors, begins with the number of the port. */
function forward(client: WebSocket, podPort: number, port: number): void {
  const number = Buffer.alloc(2);
  number.writeUInt16LE(podPort);
  for (const stream of [0, 1]) send(client, stream, number);
  const target = connect(port, '127.0.0.1');
  client.on('message', (data: RawData) => target.write(bytesOf(data).subarray(1)));
  client.on('close', () => target.destroy());
  target.on('data', (data: Buffer) => send(client, 0, data));
  target.on('error', (error) =>
    send(client, 1, Buffer.from(`error forwarding port ${podPort}: ${error.message}`)),
  );
  target.on('close', () => client.close(1000));
}

function send(client: WebSocket, stream: number, data: Uint8Array): void {
  client.send(Buffer.concat([Buffer.from([stream]), data]));
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
