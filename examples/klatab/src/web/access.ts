/**
 * Who may go where. Every route says so itself, in its `config`; one that does not can't be registered, so that none is
 * open because somebody forgot.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Role } from '../database/schema.ts';
import { findAccount } from '../school/accounts.ts';
import type { Account } from '../school/accounts.ts';
import { sendForbidden } from './failures.ts';
import { accountIdIn } from './session-cookies.ts';

export type Access = 'everyone' | readonly Role[];

export const SIGNED_IN: readonly Role[] = ['pupil', 'teacher', 'secretary'];

export interface GuardedRoute {
  readonly method: string;
  readonly path: string;
  readonly access: Access;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Null where nobody is signed in, which only routes for everyone meet. */
    account: Account | null;
  }
  interface FastifyInstance {
    /** Every route there is. */
    readonly guardedRoutes: readonly GuardedRoute[];
  }
}

export function guardRoutes(app: FastifyInstance): void {
  const routes: GuardedRoute[] = [];
  app.decorate('guardedRoutes', routes);
  app.decorateRequest('account', null);
  app.addHook('onRoute', ({ method, path, config }) => {
    const access = config?.access;
    if (access === undefined) throw new Error(`${String(method)} ${path} does not say who may go there`);
    for (const each of [method].flat()) routes.push({ method: each, path, access });
  });
  app.addHook('onRequest', async (request, reply) => {
    const { access } = request.routeOptions.config;
    // There is no such route: the answer says so to everybody.
    if (access === undefined) return undefined;
    const id = accountIdIn(request);
    if (id !== undefined) request.account = (await findAccount(request.database, id)) ?? null;
    if (access === 'everyone') return undefined;
    if (request.account === null) return redirectToSignIn(request, reply);
    return access.includes(request.account.role) ? undefined : sendForbidden(request, reply);
  });
}

/** Who is signed in, on a route that is not for everyone. */
export function accountOf({ account }: FastifyRequest): Account {
  if (account === null) throw new Error('this route is for everyone, and nobody is signed in');
  return account;
}

function redirectToSignIn(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const back = request.method === 'GET' ? `?zurueck=${encodeURIComponent(request.url)}` : '';
  return reply.redirect(`/anmelden${back}`, 303);
}
