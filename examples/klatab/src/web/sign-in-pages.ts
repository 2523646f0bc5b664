import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { signIn } from '../school/accounts.ts';
import { sendTooMany } from './failures.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { csrfField, sendPage } from './page.ts';
import { signInLimits } from './sign-in-limits.ts';

const signInForm = z.object({
  login: z.string().trim().max(100),
  password: z.string().max(200),
  back: z.string().max(500).default(''),
});

export function addSignInPages(app: FastifyInstance): void {
  app.get<{ Querystring: Record<string, unknown> }>(
    '/anmelden',
    { config: { access: 'everyone' } },
    (request, reply) => {
      const { zurueck } = request.query;
      const back = typeof zurueck === 'string' ? zurueck : '';
      return sendPage(request, reply, { title: 'Anmelden', body: signInFields(reply, back) });
    },
  );

  const mayTry = signInLimits(app);
  app.post('/anmelden', { config: { access: 'everyone' } }, async (request, reply) => {
    const { login, password, back } = signInForm.parse(request.body);
    if (!(await mayTry(request, login))) return sendTooMany(request, reply);
    const account = await signIn(request.database, login, password);
    if (account === undefined) {
      const body = signInFields(reply, back, 'Anmeldename oder Passwort stimmt nicht.');
      return sendPage(request, reply.code(422), { title: 'Anmelden', body });
    }
    return reply.signIn(account).redirect(pathWithin(back), 303);
  });

  app.post('/abmelden', { config: { access: 'everyone' } }, (_request, reply) =>
    reply.signOut().redirect('/anmelden', 303),
  );
}

function signInFields(reply: FastifyReply, back: string, error?: string): Html {
  return html`<form method="post" action="/anmelden" class="narrow">
    ${csrfField(reply)}
    <input type="hidden" name="back" value="${back}" />
    ${error !== undefined && html`<p class="error" role="alert">${error}</p>`}
    <div class="field">
      <label for="login">Anmeldename</label>
      <input id="login" name="login" autocomplete="username" autocapitalize="none" required maxlength="100" />
    </div>
    <div class="field">
      <label for="password">Passwort</label>
      <input
        type="password"
        id="password"
        name="password"
        autocomplete="current-password"
        required
        maxlength="200"
      />
    </div>
    <button>Anmelden</button>
  </form>`;
}

/** Where to go from here: a page of ours, whatever the address says. */
function pathWithin(back: string): string {
  const base = 'http://klatab.invalid';
  const url = URL.canParse(back, base) ? new URL(back, base) : undefined;
  return url?.origin === base && back.startsWith('/') ? url.pathname + url.search : '/';
}
