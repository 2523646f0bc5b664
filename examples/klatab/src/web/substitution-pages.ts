import type { FastifyInstance } from 'fastify';
import type { Account } from '../school/accounts.ts';
import { dayOf, longDay, parseDay, schoolWeek } from '../school/calendar.ts';
import { findSubstitution, listSubstitutions } from '../school/substitutions.ts';
import type { Substitution } from '../school/substitutions.ts';
import { SIGNED_IN, accountOf } from './access.ts';
import { afterForm, staleNotice } from './after-form.ts';
import { idIn } from './editing.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { sendPage } from './page.ts';
import { removalForm } from './removal-form.ts';
import { hoursText } from './slot-fields.ts';
import { substitutionTitle, substitutions } from './substitutions.ts';

const PER_PAGE = 100;

export function addSubstitutionPages(app: FastifyInstance): void {
  const { path, words, editors } = substitutions;

  app.get<{ Querystring: Record<string, unknown> }>(
    path,
    { config: { access: SIGNED_IN } },
    async (request, reply) => {
      const account = accountOf(request);
      const { ab } = request.query;
      const from = parseDay(ab) ?? dayOf(request.server.now());
      const { database, done } = afterForm(request);
      const list = await listSubstitutions(database, account, { from, limit: PER_PAGE });
      return sendPage(request, reply, {
        title: 'Vertretungen',
        live: ['substitution'],
        done,
        body: html`
          ${account.role === 'secretary' && addForm(from)}
          ${list.length === 0 ? html`<p>Keine Vertretungen ab diesem Tag.</p>` : substitutionList(list, account)}
        `,
      });
    },
  );

  app.get<{ Querystring: Record<string, unknown> }>(
    `${path}/:id`,
    { config: { access: editors } },
    async (request, reply) => {
      const { database, done, isStale } = afterForm(request);
      const item = await findSubstitution(database, idIn(request));
      return sendPage(request, reply, {
        title: substitutionTitle(item),
        live: ['substitution'],
        done,
        body: html`
          ${isStale && staleNotice(words.it)}
          <p>${whatHappens(item)}</p>
          ${item.note !== '' && html`<p>${item.note}</p>`}
          <p><a class="button" href="${path}/${item.id}/aendern">${words.change}</a></p>
          ${removalForm(substitutions, item, reply)}
          <p><a href="${path}">Zur Liste</a></p>
        `,
      });
    },
  );
}

/** The day comes first: which lessons there are to choose from depends on it. */
function addForm(from: string): Html {
  const [monday = from] = schoolWeek(from);
  return html`<form class="filter" action="${substitutions.path}/neu">
    <div class="field">
      <label for="day">Tag</label>
      <input type="date" id="day" name="day" required value="${from < monday ? monday : from}" />
    </div>
    <button>${substitutions.words.add}</button>
  </form>`;
}

function substitutionList(list: readonly Substitution[], account: Account): Html {
  const days = Map.groupBy(list, ({ day }) => day);
  return html`<div class="days">
    ${[...days].map(
      ([day, items]) =>
        html`<section>
          <h2>${longDay(day)}</h2>
          <ul class="cards">
            ${items.map((item) => {
              const name = `${item.className}, ${hoursText(item)}: ${item.subject}`;
              return html`<li>
                ${
                  account.role === 'secretary'
                    ? html`<a href="${substitutions.path}/${item.id}">${name}</a>`
                    : html`<strong>${name}</strong>`
                }
                <span>${whatHappens(item)}</span>
                ${item.note !== '' && html`<span>${item.note}</span>`}
              </li>`;
            })}
          </ul>
        </section>`,
    )}
  </div>`;
}

export function whatHappens({ absent, teacher, room }: Substitution): string {
  return teacher === null ? `${absent} fehlt: entfällt` : `${teacher} statt ${absent}, Raum ${room}`;
}
