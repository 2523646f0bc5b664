import { request } from 'node:https';
import type { FakeKubeApi } from '../../src/index.ts';

export interface RawAnswer {
  readonly code: number;
  readonly text: string;
  readonly headers: Record<string, string | string[] | undefined>;
}

/** A request as no library would send it. */
export function raw(
  { url, ca, token }: FakeKubeApi,
  path: string,
  {
    method = 'GET',
    body,
    contentType = 'application/json',
  }: { method?: string; body?: unknown; contentType?: string } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': contentType };
    const sent = request(new URL(path, url), { method, ca, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', reject);
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text, headers: response.headers }));
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}
