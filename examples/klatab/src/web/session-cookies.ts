/**
 * Two cookies, signed, out of reach of scripts, and sent by no other site:
 *
 *   klatab      who is signed in, and until when
 *   klatab_db   what the user has written: the token of the client's session. It follows the user through requests and
 *               processes, so that the next page shows what was just saved, whichever replica it is read from
 */
import type { Session, SchoolDb } from '@schooldb/client';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '../school/accounts.ts';

const SIGNED_IN = 'klatab';
const WRITTEN = 'klatab_db';
/** A school day. */
const LIFETIME_MS = 8 * 3_600_000;

declare module 'fastify' {
  interface FastifyRequest {
    /** The database as this user has to see it. */
    database: Session;
  }
}

interface CookieOptions {
  readonly secure: boolean;
}

export function keepSessions(app: FastifyInstance, db: SchoolDb, { secure }: CookieOptions): void {
  const cookie = { path: '/', httpOnly: true, sameSite: 'lax', signed: true, secure } as const;

  app.decorateRequest('database');
  app.decorateReply('signIn', function signIn(this: FastifyReply, account: Account) {
    const value = `${account.id}.${Date.now() + LIFETIME_MS}`;
    return this.setCookie(SIGNED_IN, value, { ...cookie, maxAge: LIFETIME_MS / 1_000 });
  });
  app.decorateReply('signOut', function signOut(this: FastifyReply) {
    return this.clearCookie(SIGNED_IN, cookie).clearCookie(WRITTEN, cookie);
  });
  app.addHook('onRequest', async (request) => {
    request.database = db.session(readSigned(request, WRITTEN));
  });
  app.addHook('onSend', async (request, reply) => {
    // Only with what has written: the answer to a page that was asked for before, and comes later, would set it back.
    const { token } = request.database;
    if (request.method === 'POST' && request.account !== null && token !== '')
      reply.setCookie(WRITTEN, token, { ...cookie, maxAge: LIFETIME_MS / 1_000 });
  });
}

declare module 'fastify' {
  interface FastifyReply {
    signIn(account: Account): FastifyReply;
    signOut(): FastifyReply;
  }
}

/** @returns undefined where nobody is signed in, or no longer. */
export function accountIdIn(request: FastifyRequest): number | undefined {
  const [id, until] = (readSigned(request, SIGNED_IN) ?? '').split('.').map(Number);
  return until !== undefined && until > Date.now() ? id : undefined;
}

function readSigned(request: FastifyRequest, name: string): string | undefined {
  const sent = request.cookies[name];
  if (sent === undefined) return undefined;
  const { valid, value } = request.unsignCookie(sent);
  return valid ? value : undefined;
}
