/** The frame around every page. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '../school/accounts.ts';
import { clockTime } from '../school/calendar.ts';
import { assets } from './assets.ts';
import { html } from './html.ts';
import type { Html, Piece } from './html.ts';

export interface Page {
  readonly title: string;
  readonly body: Piece;
  /** Tables whose changes the page shows as they happen. */
  readonly live?: readonly ('lesson' | 'booking' | 'substitution')[];
  /** What has just been done. */
  readonly done?: string | undefined;
}

const NAVIGATION = [
  ['/stundenplan', 'Stundenplan'],
  ['/termine', 'Termine'],
  ['/pruefungen', 'Prüfungen'],
  ['/vertretungen', 'Vertretungen'],
] as const;

const ROLES = { pupil: 'Schüler/in', teacher: 'Lehrkraft', secretary: 'Sekretariat' } as const;

export function sendPage(request: FastifyRequest, reply: FastifyReply, page: Page): FastifyReply {
  const { account } = request;
  const { since } = request.server.outage;
  const text = html`<!doctype html>
    <html lang="de">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${page.title} – KlaTab</title>
        <link rel="stylesheet" href="${assets.css.path}" />
        <link rel="icon" href="data:," />
        <script type="module" src="${assets.js.path}"></script>
      </head>
      <body data-signed-in="${account === null ? 'nein' : 'ja'}">
        <a class="skip" href="#inhalt">Zum Inhalt</a>
        ${account !== null && header(request, reply, account)}
        <p id="banner" class="banner" role="status" ${since === undefined && HIDDEN}>
          Die Datenbank wechselt gerade den Server. Lesen geht weiter, Speichern dauert einen Moment.
        </p>
        <main id="inhalt" tabindex="-1" data-live="${page.live?.join(' ')}">
          <h1>${page.title}</h1>
          ${page.done !== undefined && html`<p class="done" role="status">${page.done}</p>`}
          ${since !== undefined && account !== null && staleness(since)} ${page.body}
        </main>
      </body>
    </html>`;
  return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(text.text);
}

const HIDDEN = html`hidden`;

function staleness(since: Date): Html {
  return html`<p class="stale">
    Stand von ${clockTime(since)} Uhr. Was seither gespeichert wurde, fehlt hier vielleicht noch.
  </p>`;
}

function header(request: FastifyRequest, reply: FastifyReply, account: Account): Html {
  const current = (path: string) => request.url.startsWith(path) && html`aria-current="page"`;
  return html`<header>
    <p class="brand">KlaTab</p>
    <nav aria-label="Hauptmenü">
      <ul>
        ${NAVIGATION.map(([path, name]) => html`<li><a href="${path}" ${current(path)}>${name}</a></li>`)}
      </ul>
    </nav>
    <form class="who" method="post" action="/abmelden">
      ${csrfField(reply)}
      <span>${account.name} (${ROLES[account.role]})</span>
      <button class="quiet">Abmelden</button>
    </form>
  </header>`;
}

/** Stands in every form: what another site sends has none. */
export function csrfField(reply: FastifyReply): Html {
  return html`<input type="hidden" name="_csrf" value="${reply.generateCsrf()}" />`;
}
