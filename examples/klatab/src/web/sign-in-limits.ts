import type { FastifyInstance, FastifyRequest } from 'fastify';

/** For one login from one address: more is no longer a typo. */
const TRIES_PER_LOGIN = 10;
/** For all logins from one address: a school that comes to its lessons through one router, but nobody who tries them all. */
const TRIES_PER_ADDRESS = 300;
const TIME_WINDOW = '1 minute';

/**
 * Slows guessing down, of one password as of many logins; a try costs the server a password hash, too. Counted in this
 * process alone.
 *
 * @returns whether a sign-in may be tried. To be asked before the password is looked at.
 */
export function signInLimits(
  app: FastifyInstance,
): (request: FastifyRequest, login: string) => Promise<boolean> {
  const logins = new WeakMap<FastifyRequest, string>();
  const byLogin = app.createRateLimit({
    max: TRIES_PER_LOGIN,
    timeWindow: TIME_WINDOW,
    // As the login is looked up: another spelling of it gives no further tries.
    keyGenerator: (request) => `${request.ip} ${logins.get(request)?.toLowerCase()}`,
  });
  const byAddress = app.createRateLimit({ max: TRIES_PER_ADDRESS, timeWindow: TIME_WINDOW });
  return async (request, login) => {
    logins.set(request, login);
    const [one, all] = await Promise.all([byLogin(request), byAddress(request)]);
    return ![one, all].some((limit) => 'isExceeded' in limit && limit.isExceeded);
  };
}
