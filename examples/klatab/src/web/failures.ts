/** What people see where something is not as it should be. */
import { SchoolDbError } from '@schooldb/client';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ZodError } from 'zod';
import { NotFoundError } from '../school/errors.ts';
import { html } from './html.ts';
import { sendPage } from './page.ts';

export function answerFailures(app: FastifyInstance): void {
  app.setNotFoundHandler(sendNotFound);
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof NotFoundError) return sendNotFound(request, reply);
    if (error instanceof SchoolDbError) return sendTryAgain(error, request, reply);
    // Forms of ours send what is asked for: this one is none.
    if (error instanceof ZodError) return sendUnreadable(400, request, reply);
    const status = error.statusCode ?? 500;
    if (error.code === 'FST_CSRF_INVALID_TOKEN' || error.code === 'FST_CSRF_MISSING_SECRET')
      return sendExpired(request, reply);
    if (status < 500) return sendUnreadable(status, request, reply);
    request.log.error(error);
    return sendPage(request, reply.code(500), {
      title: 'Das hat nicht geklappt',
      body: html`<p>Der Fehler wurde notiert. Bitte versuchen Sie es noch einmal.</p>`,
    });
  });
}

export function sendForbidden(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendPage(request, reply.code(403), {
    title: 'Kein Zugriff',
    body: html`<p>Dafür ist Ihr Konto nicht freigeschaltet.</p>
      <p><a href="/">Zur Startseite</a></p>`,
  });
}

function sendNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendPage(request, reply.code(404), {
    title: 'Nicht gefunden',
    body: html`<p>Diese Seite gibt es nicht oder nicht mehr.</p>
      <p><a href="/">Zur Startseite</a></p>`,
  });
}

/**
 * The database was away for longer than the client waits. What was to be saved is sent again as it was, with its key:
 * should it have been saved after all, it is not saved twice.
 */
function sendTryAgain(error: SchoolDbError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  request.log.warn({ code: error.code, outcome: error.outcome }, error.message);
  const fields = Object.entries((request.body ?? {}) as Record<string, string>);
  // A password is not put into a page: whoever signs in types it again.
  const isSafeToShow = fields.every(([name]) => name !== 'password');
  const again =
    request.method === 'POST' && isSafeToShow
      ? html`<form method="post" action="${request.url}">
          ${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
          <button>Noch einmal senden</button>
        </form>`
      : html`<p><a href="${request.url}">Noch einmal versuchen</a></p>`;
  return sendPage(request, reply.code(503).header('retry-after', '5'), {
    title: 'Einen Moment noch',
    body: html`<p>Die Datenbank ist gerade nicht zu erreichen. Es geht nichts verloren.</p>
      ${again}`,
  });
}

export function sendTooMany(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendPage(request, reply.code(429), {
    title: 'Zu viele Versuche',
    body: html`<p>Bitte warten Sie eine Minute, und melden Sie sich dann an.</p>
      <p><a href="/anmelden">Zur Anmeldung</a></p>`,
  });
}

function sendExpired(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendPage(request, reply.code(403), {
    title: 'Seite abgelaufen',
    body: html`<p>Bitte laden Sie das Formular neu, und senden Sie es noch einmal.</p>
      <p><a href="${request.url}">Neu laden</a></p>`,
  });
}

function sendUnreadable(status: number, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendPage(request, reply.code(status), {
    title: 'Das war nicht zu verstehen',
    body: html`<p>Die Anfrage war unvollständig.</p>
      <p><a href="/">Zur Startseite</a></p>`,
  });
}
