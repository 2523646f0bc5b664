/** The list of appointments or exams, and the page of a single one. */
import type { FastifyInstance } from 'fastify';
import type { BookingKind } from '../database/schema.ts';
import { listBookings } from '../school/bookings.ts';
import type { Booking, BookingFilter } from '../school/bookings.ts';
import { clockTime, dayOf, longDay, parseDay, shortDay } from '../school/calendar.ts';
import { classes } from '../school/directory.ts';
import type { Choice } from '../school/directory.ts';
import { SIGNED_IN, accountOf } from './access.ts';
import { afterForm, staleNotice } from './after-form.ts';
import { idIn } from './editing.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { removalForm } from './removal-form.ts';
import { sendPage } from './page.ts';
import type { Resource } from './resource.ts';
import { hoursText } from './slot-fields.ts';

const PER_PAGE = 60;

const WORDS = {
  appointment: { list: 'Termine', none: 'Keine Termine ab diesem Tag.' },
  exam: { list: 'Prüfungen', none: 'Keine Prüfungen ab diesem Tag.' },
} as const;

export function addBookingPages<Parsed>(
  app: FastifyInstance,
  kind: BookingKind,
  resource: Resource<Booking, Parsed>,
): void {
  const { path, editors, words } = resource;

  app.get<{ Querystring: Record<string, unknown> }>(
    path,
    { config: { access: SIGNED_IN } },
    async (request, reply) => {
      const account = accountOf(request);
      const { ab, klasse } = request.query;
      const from = parseDay(ab) ?? dayOf(request.server.now());
      const classId = Number(klasse) || undefined;
      const { database, done } = afterForm(request);
      const filter: BookingFilter = {
        kind,
        from,
        limit: PER_PAGE,
        ...(classId !== undefined && { classId }),
      };
      const list = await listBookings(database, account, filter);
      const all = account.role === 'secretary' ? await classes(request.database) : [];
      return sendPage(request, reply, {
        title: WORDS[kind].list,
        live: ['booking'],
        done,
        body: html`
          ${editors.includes(account.role) && html`<p><a class="button" href="${path}/neu">${words.add}</a></p>`}
          ${listFilter(path, from, all, classId)}
          ${list.length === 0 ? html`<p>${WORDS[kind].none}</p>` : bookingList(path, list)}
        `,
      });
    },
  );

  app.get<{ Querystring: Record<string, unknown> }>(
    `${path}/:id`,
    { config: { access: SIGNED_IN } },
    async (request, reply) => {
      const account = accountOf(request);
      const { database, done, isStale } = afterForm(request);
      const item = await resource.find(database, account, idIn(request));
      const mayEdit = editors.includes(account.role) && resource.mayEdit(account, item);
      return sendPage(request, reply, {
        title: item.title,
        live: ['booking'],
        done,
        body: html`
          ${isStale && staleNotice(words.it)} ${details(item)}
          ${
            mayEdit &&
            html`<p><a class="button" href="${path}/${item.id}/aendern">${words.change}</a></p>
              ${removalForm(resource, item, reply)}`
          }
          <p><a href="${path}">Zur Liste</a></p>
        `,
      });
    },
  );
}

function listFilter(path: string, from: string, all: readonly Choice[], classId: number | undefined): Html {
  return html`<form class="filter" action="${path}">
    <div class="field">
      <label for="ab">Ab</label>
      <input type="date" id="ab" name="ab" value="${from}" />
    </div>
    ${
      all.length > 0 &&
      html`<div class="field">
        <label for="klasse">Klasse</label>
        <select id="klasse" name="klasse">
          <option value="">Alle</option>
          ${all.map(
            ({ id, name }) =>
              html`<option value="${id}" ${id === classId && html`selected`}>${name}</option>`,
          )}
        </select>
      </div>`
    }
    <button class="quiet">Anzeigen</button>
  </form>`;
}

function bookingList(path: string, list: readonly Booking[]): Html {
  const days = Map.groupBy(list, ({ day }) => day);
  return html`<div class="days">
    ${[...days].map(
      ([day, bookings]) =>
        html`<section>
          <h2>${longDay(day)}</h2>
          <ul class="cards">
            ${bookings.map(
              (item) =>
                html`<li>
                  <a href="${path}/${item.id}">${item.title}</a>
                  <span>${[hoursText(item), ...whoAndWhere(item)].join(' · ')}</span>
                </li>`,
            )}
          </ul>
        </section>`,
    )}
  </div>`;
}

function whoAndWhere({ className, subject, teacher, room }: Booking): string[] {
  return [className ?? 'Ganze Schule', subject, teacher, room].filter((each) => each !== null);
}

function details(item: Booking): Html {
  const rows: (readonly [string, string | null])[] = [
    ['Tag', shortDay(item.day)],
    ['Zeit', hoursText(item)],
    ['Klasse', item.className ?? 'Ganze Schule'],
    ['Fach', item.subject],
    ['Lehrkraft', item.teacher],
    ['Raum', item.room],
    ['Hinweis', item.note || null],
    [
      'Zuletzt geändert',
      item.changedBy === null
        ? null
        : `${item.changedBy}, ${shortDay(dayOf(item.changedAt))}, ${clockTime(item.changedAt)} Uhr`,
    ],
  ];
  return html`<dl>
    ${rows.map(
      ([name, value]) =>
        value !== null &&
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}
