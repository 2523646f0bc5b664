/** One week: the weekly lessons, and what is different in them. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Account } from '../school/accounts.ts';
import { listBookings } from '../school/bookings.ts';
import type { Booking } from '../school/bookings.ts';
import { addDays, dayOf, longDay, parseDay, schoolWeek } from '../school/calendar.ts';
import { classes, periods } from '../school/directory.ts';
import type { Choice, Period } from '../school/directory.ts';
import { listSubstitutions } from '../school/substitutions.ts';
import type { Substitution } from '../school/substitutions.ts';
import { timetable } from '../school/timetable.ts';
import type { Lesson, Whose } from '../school/timetable.ts';
import { SIGNED_IN, accountOf } from './access.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { sendPage } from './page.ts';
import { hoursText } from './slot-fields.ts';

interface Week {
  readonly days: readonly string[];
  readonly hours: readonly Period[];
  readonly lessons: readonly Lesson[];
  readonly exams: readonly Booking[];
  readonly substitutions: readonly Substitution[];
  readonly today: string;
}

export function addTimetablePage(app: FastifyInstance): void {
  app.get('/', { config: { access: SIGNED_IN } }, (_request, reply) => reply.redirect('/stundenplan', 303));

  app.get<{ Querystring: Record<string, unknown> }>(
    '/stundenplan',
    { config: { access: SIGNED_IN } },
    async (request, reply) => {
      const account = accountOf(request);
      const all = account.role === 'secretary' ? await classes(request.database) : [];
      const chosen = Number(request.query['klasse']) || all[0]?.id;
      const today = dayOf(request.server.now());
      const days = schoolWeek(parseDay(request.query['woche']) ?? today);
      const week = await readWeek(request, whoseOf(account, chosen), days, today);
      return sendPage(request, reply, {
        title: 'Stundenplan',
        live: ['lesson', 'booking', 'substitution'],
        body: html`${all.length > 0 && classFilter(all, chosen, days)} ${weekLinks(days, today, chosen)}
        ${table(week)}`,
      });
    },
  );
}

function whoseOf(account: Account, chosen: number | undefined): Whose {
  if (account.role === 'pupil') return { classId: account.classId };
  if (account.role === 'teacher') return { teacherId: account.teacherId };
  return { classId: chosen ?? 0 };
}

async function readWeek(
  { database, account }: FastifyRequest,
  whose: Whose,
  days: readonly string[],
  today: string,
): Promise<Week> {
  const [from = '', to = ''] = [days[0], days.at(-1)];
  if (account === null) throw new Error('nobody is signed in');
  const [hours, lessons, exams, substitutions] = await Promise.all([
    periods(database),
    timetable(database, whose),
    listBookings(database, account, { kind: 'exam', from, to, limit: 500 }),
    listSubstitutions(database, account, { from, to, limit: 500 }),
  ]);
  return { days, hours, lessons, exams, substitutions, today };
}

function classFilter(all: readonly Choice[], chosen: number | undefined, days: readonly string[]): Html {
  return html`<form class="filter" action="/stundenplan">
    <input type="hidden" name="woche" value="${days[0]}" />
    <div class="field">
      <label for="klasse">Klasse</label>
      <select id="klasse" name="klasse">
        ${all.map(
          ({ id, name }) => html`<option value="${id}" ${id === chosen && html`selected`}>${name}</option>`,
        )}
      </select>
    </div>
    <button class="quiet">Anzeigen</button>
  </form>`;
}

function weekLinks([monday = '']: readonly string[], today: string, chosen: number | undefined): Html {
  const link = (day: string) => {
    const query = new URLSearchParams({
      woche: day,
      ...(chosen !== undefined && { klasse: String(chosen) }),
    });
    return `/stundenplan?${query.toString()}`;
  };
  return html`<nav class="weeks" aria-label="Wochen">
    <a href="${link(addDays(monday, -7))}" rel="prev">Woche davor</a>
    <a href="${link(today)}">Diese Woche</a>
    <a href="${link(addDays(monday, 7))}" rel="next">Woche danach</a>
  </nav>`;
}

/** On a narrow screen the style sheet shows its days one below the other. */
function table(week: Week): Html {
  return html`<table class="week">
    <thead>
      <tr>
        <th scope="col">Stunde</th>
        ${week.days.map(
          (day) =>
            html`<th scope="col" ${day === week.today && html`aria-current="date"`}>${longDay(day)}</th>`,
        )}
      </tr>
    </thead>
    <tbody>
      ${week.hours.map(
        ({ number, begins, ends }) =>
          html`<tr>
            <th scope="row">${number}. <small>${begins}–${ends}</small></th>
            ${week.days.map((day, index) => cell(week, day, index + 1, number))}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** A lesson of several hours has one cell, in the first of them. */
function cell(week: Week, day: string, weekday: number, hour: number): Html | false {
  const lesson = week.lessons.find(
    ({ weekday: on, first, last }) => on === weekday && first <= hour && hour <= last,
  );
  if (lesson === undefined) return html`<td class="free"></td>`;
  if (lesson.first !== hour) return false;
  const exam = week.exams.find(
    (each) =>
      each.day === day &&
      each.className === lesson.className &&
      each.first <= lesson.last &&
      each.last >= lesson.first,
  );
  const substitution = week.substitutions.find((each) => each.day === day && each.lessonId === lesson.id);
  const isCancelled = substitution !== undefined && substitution.teacher === null;
  return html`<td
    rowspan="${lesson.last - lesson.first + 1}"
    data-day="${longDay(day)}"
    data-weekday="${weekday}"
  >
    <span class="hours">${hoursText(lesson)}</span>
    <strong ${isCancelled && html`class="cancelled"`}>${lesson.subject}</strong>
    <span>${lesson.className}</span>
    <span>${substitution?.teacher ?? lesson.teacher}</span>
    <span>${substitution?.room ?? lesson.room}</span>
    ${substitution !== undefined && html`<em class="changed">${isCancelled ? 'Entfällt' : 'Vertretung'}</em>`}
    ${exam !== undefined && html`<a class="exam" href="/pruefungen/${exam.id}">Prüfung</a>`}
  </td>`;
}
