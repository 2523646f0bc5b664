/** The app, without anything of the process around it: `main.ts` and the tests give it what it needs. */
import cookie from '@fastify/cookie';
import csrf from '@fastify/csrf-protection';
import formbody from '@fastify/formbody';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { SchoolDb } from '@schooldb/client';
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import type { KlaTab } from './database/schema.ts';
import { guardRoutes } from './web/access.ts';
import { appointments } from './web/appointments.ts';
import { addAssetRoutes } from './web/assets.ts';
import { addBookingPages } from './web/booking-pages.ts';
import { addEditing } from './web/editing.ts';
import { exams } from './web/exams.ts';
import { answerFailures } from './web/failures.ts';
import { Live, addLiveRoute } from './web/live.ts';
import { addOperations } from './web/operations.ts';
import { Outage } from './web/outage.ts';
import { keepSessions } from './web/session-cookies.ts';
import { addSignInPages } from './web/sign-in-pages.ts';
import { addSubstitutionPages } from './web/substitution-pages.ts';
import { substitutions } from './web/substitutions.ts';
import { addTimetablePage } from './web/timetable-page.ts';

export interface AppOptions {
  readonly db: SchoolDb<KlaTab>;
  /** Signs cookies. The same in all processes; 32 characters or more. */
  readonly secret: string;
  /** Whether browsers may send cookies over HTTPS alone. Off for trying it out without TLS. @defaultValue true */
  readonly secureCookies?: boolean;
  /** Whether addresses of clients are taken from a proxy's `X-Forwarded-For`. @defaultValue false */
  readonly trustProxy?: boolean;
  /** @defaultValue none */
  readonly logger?: FastifyServerOptions['logger'];
  /** @defaultValue the clock */
  readonly now?: () => Date;
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly now: () => Date;
    readonly outage: Outage;
    readonly live: Live;
  }
}

/** The database stays the caller's: it is closed after the app. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const {
    db,
    secret,
    secureCookies = true,
    trustProxy = false,
    logger = false,
    now = () => new Date(),
  } = options;
  const app = fastify({ logger, trustProxy, bodyLimit: 64 * 1_024, routerOptions: { maxParamLength: 20 } });
  const outage = new Outage(db);
  const live = new Live(db, outage);
  app.decorate('now', now);
  app.decorate('outage', outage);
  app.decorate('live', live);

  await app.register(helmet, { contentSecurityPolicy: contentSecurityPolicy(), hsts: secureCookies });
  await app.register(formbody);
  await app.register(cookie, { secret });
  await app.register(csrf, {
    cookieOpts: { signed: true, httpOnly: true, sameSite: 'lax', path: '/', secure: secureCookies },
  });
  await app.register(rateLimit, { global: false });
  keepSessions(app, db, { secure: secureCookies });
  guardRoutes(app);
  answerFailures(app);
  app.addHook('preHandler', (request, reply, done) =>
    request.method === 'POST' ? app.csrfProtection(request, reply, done) : done(),
  );

  addOperations(app, db, live);
  addAssetRoutes(app);
  addSignInPages(app);
  addTimetablePage(app);
  addBookingPages(app, 'appointment', appointments);
  addEditing(app, appointments);
  addBookingPages(app, 'exam', exams);
  addEditing(app, exams);
  addSubstitutionPages(app);
  addEditing(app, substitutions);
  addLiveRoute(app, live);

  app.addHook('onReady', async () => live.start());
  // Streams would keep the server from closing for ever.
  app.addHook('preClose', async () => live.close());
  app.addHook('onClose', async () => outage.close());
  return app;
}

/** Nothing but what we serve ourselves: no inline script, no foreign frame, no form that sends elsewhere. */
function contentSecurityPolicy() {
  return {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
  };
}
