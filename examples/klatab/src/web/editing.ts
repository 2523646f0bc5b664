/**
 * Entering, changing and deleting. Each form is dealt with once; a change must have seen the newest version, and where
 * it has not, both changes are shown side by side.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { fromPrimary } from '../database/query.ts';
import { NotFoundError, VersionConflictError, fieldErrorIn } from '../school/errors.ts';
import { merge } from '../school/merge.ts';
import { submitOnce } from '../school/submissions.ts';
import { accountOf } from './access.ts';
import { changeForm, errorsOf, submissionForm, submitForm, valuesOf } from './form.ts';
import type { Base, FormState } from './form.ts';
import { html } from './html.ts';
import { mergeTable } from './merge-table.ts';
import { sendPage } from './page.ts';
import type { Resource, Versioned } from './resource.ts';

const idParams = z.object({
  id: z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number),
});

export function idIn(request: FastifyRequest): number {
  const { success, data } = idParams.safeParse(request.params);
  if (!success) throw new NotFoundError('the address has no number');
  return data.id;
}

export function addEditing<Item extends Versioned, Parsed>(
  app: FastifyInstance,
  resource: Resource<Item, Parsed>,
): void {
  const { path, words, schema, editors } = resource;
  const options = { config: { access: editors } };
  const names = Object.keys(resource.labels);

  app.get(`${path}/neu`, options, async (request, reply) => {
    const values = valuesOf(request.query, names);
    return sendForm(request, reply, {
      title: words.add,
      action: `${path}/neu`,
      state: { values, errors: {} },
    });
  });

  app.post(`${path}/neu`, options, async (request, reply) => {
    const account = accountOf(request);
    const { key } = submissionForm.parse(request.body);
    const sent = schema.safeParse(request.body);
    const form = { title: words.add, action: `${path}/neu`, key };
    if (!sent.success) return sendInvalid(request, reply, form, errorsOf(sent.error));
    try {
      const to = await submitOnce(request.database, { accountId: account.id, key }, async (transaction) => {
        const id = await resource.add(transaction, account, sent.data);
        return `${path}/${id}?gespeichert=ja`;
      });
      return reply.redirect(to, 303);
    } catch (error) {
      const wrong = fieldErrorIn(error);
      if (wrong === undefined) throw error;
      return sendInvalid(request, reply, form, { [wrong.field]: wrong.message });
    }
  });

  app.get(`${path}/:id/aendern`, options, async (request, reply) => {
    const item = await resource.find(request.database, accountOf(request), idIn(request));
    if (!resource.mayEdit(accountOf(request), item)) throw new NotFoundError('not theirs to change');
    const values = resource.valuesOf(item);
    return sendForm(request, reply, {
      title: words.change,
      action: `${path}/${item.id}/aendern`,
      state: { values, errors: {} },
      base: { version: item.version, values },
    });
  });

  app.post(`${path}/:id/aendern`, options, async (request, reply) => {
    const account = accountOf(request);
    const id = idIn(request);
    const { key, version, before } = changeForm.parse(request.body);
    const sent = schema.safeParse(request.body);
    const base = { version, values: before };
    const form = { title: words.change, action: `${path}/${id}/aendern`, key, base };
    if (!sent.success) return sendInvalid(request, reply, form, errorsOf(sent.error));
    try {
      const to = await submitOnce(request.database, { accountId: account.id, key }, async (transaction) => {
        const item = await resource.find(transaction, account, id);
        if (!resource.mayEdit(account, item)) throw new NotFoundError('not theirs to change');
        await resource.change(transaction, account, { id, version }, sent.data);
        return `${path}/${id}?gespeichert=ja`;
      });
      return reply.redirect(to, 303);
    } catch (error) {
      if (error instanceof VersionConflictError) return sendMerge(request, reply, id, base);
      const wrong = fieldErrorIn(error);
      if (wrong === undefined) throw error;
      return sendInvalid(request, reply, form, { [wrong.field]: wrong.message });
    }
  });

  app.post(`${path}/:id/loeschen`, options, async (request, reply) => {
    const account = accountOf(request);
    const id = idIn(request);
    const { key, version } = changeForm.omit({ before: true }).parse(request.body);
    try {
      const to = await submitOnce(request.database, { accountId: account.id, key }, async (transaction) => {
        const item = await resource.find(transaction, account, id);
        if (!resource.mayEdit(account, item)) throw new NotFoundError('not theirs to delete');
        await resource.remove(transaction, { id, version });
        return `${path}?geloescht=ja`;
      });
      return reply.redirect(to, 303);
    } catch (error) {
      if (!(error instanceof VersionConflictError)) throw error;
      // It must be looked at again before it is deleted.
      return reply.redirect(`${path}/${id}?veraltet=ja`, 303);
    }
  });

  interface Form {
    readonly title: string;
    readonly action: string;
    readonly state: FormState;
    readonly key?: string;
    readonly base?: Base;
  }

  async function sendForm(request: FastifyRequest, reply: FastifyReply, form: Form) {
    const choices = await resource.choices(request.database, accountOf(request), form.state.values);
    const fields = resource.fields(form.state, choices);
    const body = html`${submitForm({ ...form, reply, submit: 'Speichern', body: fields })}
      <p><a href="${path}">Abbrechen</a></p>`;
    return sendPage(request, reply, { title: form.title, body });
  }

  function sendInvalid(
    request: FastifyRequest,
    reply: FastifyReply,
    form: Omit<Form, 'state'>,
    errors: FormState['errors'],
  ) {
    const state = { values: valuesOf(request.body, names), errors };
    return sendForm(request, reply.code(422), { ...form, state });
  }

  async function sendMerge(request: FastifyRequest, reply: FastifyReply, id: number, base: Base) {
    const account = accountOf(request);
    const item = await resource.find(fromPrimary(request.database), account, id).catch((error: unknown) => {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    });
    if (item === undefined) {
      return sendPage(request, reply.code(409), {
        title: words.change,
        body: html`<p>${words.it} wurde inzwischen gelöscht.</p>
          <p><a href="${path}">Zur Liste</a></p>`,
      });
    }
    const theirs = resource.valuesOf(item);
    const { changes, proposal } = merge(base.values, theirs, valuesOf(request.body, names));
    const choices = await resource.choices(request.database, account, proposal);
    return sendPage(request, reply.code(409), {
      title: words.change,
      body: html`${mergeTable(changes, item, resource, choices)}
        ${submitForm({
          action: `${path}/${id}/aendern`,
          reply,
          submit: 'Zusammengeführt speichern',
          state: { values: proposal, errors: {} },
          // Another form than the one that was refused.
          base: { version: item.version, values: theirs },
          body: resource.fields({ values: proposal, errors: {} }, choices),
        })}
        <p><a href="${path}/${id}">Meine Änderungen verwerfen</a></p>`,
    });
  }
}
