/** The page to which a form has led: what it shows of that, and from where it reads. */
import type { FastifyRequest } from 'fastify';
import { fromPrimary } from '../database/query.ts';
import type { Database } from '../database/query.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';

interface AfterForm {
  readonly database: Database;
  readonly done: string | undefined;
  /** Nothing was deleted, because somebody else had changed it. */
  readonly isStale: boolean;
}

/** What was just saved or deleted, or has just proven to be newer than the page, is waited for, also in a failover. */
export function afterForm({
  query: { gespeichert, geloescht, veraltet },
  database,
}: FastifyRequest<{ Querystring: Record<string, unknown> }>): AfterForm {
  const isStale = veraltet !== undefined;
  const done = gespeichert !== undefined ? 'Gespeichert.' : geloescht !== undefined ? 'Gelöscht.' : undefined;
  return { database: done === undefined && !isStale ? database : fromPrimary(database), done, isStale };
}

export function staleNotice(it: string): Html {
  return html`<p class="error" role="alert">
    ${it} wurde inzwischen geändert und ist deshalb nicht gelöscht worden. Bitte noch einmal ansehen.
  </p>`;
}
