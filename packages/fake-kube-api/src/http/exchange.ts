import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse } from 'yaml';
import { ApiError, badRequest, unsupportedMediaType } from '../objects/api-error.ts';

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly #warnings: string[] = [];

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    this.url = new URL(request.url ?? '/', 'https://localhost');
  }

  get method(): string {
    return this.request.method ?? 'GET';
  }

  get contentType(): string {
    return (this.request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  }

  get userAgent(): string {
    return this.request.headers['user-agent'] ?? '';
  }

  /** JSON or YAML; undefined for none. */
  async body(): Promise<unknown> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    if (text.trim() === '') return undefined;
    if (this.contentType === 'application/vnd.kubernetes.protobuf') {
      throw unsupportedMediaType(['application/json', 'application/yaml']);
    }
    try {
      return this.contentType.endsWith('yaml') ? (parse(text) as unknown) : (JSON.parse(text) as unknown);
    } catch (error) {
      throw badRequest(`error decoding: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Goes with the answer as a header, which kubectl prints. */
  warn(warning: string): void {
    this.#warnings.push(warning);
  }

  send(code: number, body: object): void {
    this.#head(code, 'application/json');
    this.response.end(`${JSON.stringify(body)}\n`);
  }

  sendText(code: number, text: string): void {
    this.#head(code, 'text/plain; charset=utf-8');
    this.response.end(text);
  }

  fail(error: unknown): void {
    const failure = error instanceof ApiError ? error : internalError(error);
    const retryAfter = failure.details?.retryAfterSeconds;
    if (retryAfter !== undefined) this.response.setHeader('Retry-After', String(retryAfter));
    if (failure.plainText !== undefined) this.sendText(failure.code, failure.plainText);
    else this.send(failure.code, failure.toStatus());
  }

  #head(code: number, contentType: string): void {
    for (const warning of this.#warnings) {
      this.response.appendHeader('Warning', `299 - ${JSON.stringify(warning)}`);
    }
    this.response.writeHead(code, { 'Content-Type': contentType, 'Cache-Control': 'no-cache, private' });
  }
}

/** A defect of this server: the stack is in the message, because a test will want to see it. */
function internalError(error: unknown): ApiError {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new ApiError(500, 'InternalError', `Internal error occurred: ${why}`);
}
