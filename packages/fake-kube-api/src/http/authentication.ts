import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { ApiError } from '../objects/api-error.ts';

/** Lets in whoever shows the token, or a certificate that the authority signed. @throws ApiError 401 or 403 */
export function authenticate(request: IncomingMessage, token: string, path: string): void {
  if ((request.socket as TLSSocket).authorized) return;
  const shown = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (shown === undefined) {
    const message = `forbidden: User "system:anonymous" cannot ${(request.method ?? 'GET').toLowerCase()} path ${JSON.stringify(path)}`;
    throw new ApiError(403, 'Forbidden', message, { details: {} });
  }
  if (!isSame(shown, token)) throw new ApiError(401, 'Unauthorized', 'Unauthorized');
}

function isSame(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
