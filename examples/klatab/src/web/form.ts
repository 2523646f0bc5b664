/** The parts of forms: labelled, with their errors where they belong, and read back with messages for people. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Values } from '../school/merge.ts';
import { html } from './html.ts';
import type { Html, Piece } from './html.ts';
import { csrfField } from './page.ts';

/** What is wrong, by field. */
export type FieldErrors = Readonly<Record<string, string>>;

export interface FormState {
  readonly values: Values;
  readonly errors: FieldErrors;
}

export interface Option {
  readonly value: string;
  readonly name: string;
}

interface FieldOptions {
  readonly name: string;
  readonly label: string;
  readonly state: FormState;
  readonly required?: boolean;
}

export function textField(
  options: FieldOptions & { readonly type?: string; readonly maxLength?: number },
): Html {
  const { type = 'text', maxLength, name, state } = options;
  return field(
    options,
    html`<input
      type="${type}"
      id="${name}"
      name="${name}"
      value="${state.values[name]}"
      ${maxLength !== undefined && html`maxlength="${maxLength}"`}
      ${attributes(options)}
    />`,
  );
}

export function longTextField(options: FieldOptions & { readonly maxLength: number }): Html {
  const { name, state, maxLength } = options;
  return field(
    options,
    html`<textarea id="${name}" name="${name}" rows="3" maxlength="${maxLength}" ${attributes(options)}>
${state.values[name]}</textarea>`,
  );
}

/** @param none - what it is called to choose nothing; without it one must be chosen. */
export function choiceField(
  options: FieldOptions & { readonly options: readonly Option[]; readonly none?: string },
): Html {
  const { name, state, none } = options;
  const chosen = state.values[name] ?? '';
  const empty: Option[] = [{ value: '', name: none ?? 'Bitte wählen' }];
  return field(
    options,
    html`<select id="${name}" name="${name}" ${attributes(options)}>
      ${[...empty, ...options.options].map(
        (option) =>
          html`<option value="${option.value}" ${option.value === chosen && html`selected`}>
            ${option.name}
          </option>`,
      )}
    </select>`,
  );
}

function field({ name, label, state }: FieldOptions, control: Html): Html {
  const error = state.errors[name];
  return html`<div class="field">
    <label for="${name}">${label}</label>
    ${control} ${error !== undefined && html`<p class="error" id="${name}-fehler">${error}</p>`}
  </div>`;
}

function attributes({ name, state, required = false }: FieldOptions): Piece {
  return [
    required && html`required`,
    state.errors[name] !== undefined && html` aria-invalid="true" aria-describedby="${name}-fehler"`,
  ];
}

export interface SubmitFormOptions {
  readonly action: string;
  readonly submit: string;
  readonly state: FormState;
  readonly reply: FastifyReply;
  /** The key of a form that is shown again, so that it stays the same form. @defaultValue a new one */
  readonly key?: string | undefined;
  /** Of a change: which version the form shows, and what that says. */
  readonly base?: Base | undefined;
  readonly danger?: boolean;
  readonly body?: Piece;
}

export interface Base {
  readonly version: number;
  readonly values: Values;
}

/** A form that is dealt with once: see `school/submissions.ts`. */
export function submitForm({
  action,
  submit,
  state,
  reply,
  key,
  base,
  danger,
  body,
}: SubmitFormOptions): Html {
  const count = Object.keys(state.errors).length;
  return html`<form method="post" action="${action}" data-once>
    ${csrfField(reply)}
    <input type="hidden" name="key" value="${key ?? randomUUID()}" />
    ${
      base !== undefined &&
      html`<input type="hidden" name="version" value="${base.version}" />
        <input type="hidden" name="before" value="${JSON.stringify(base.values)}" />`
    }
    ${
      count > 0 &&
      html`<p class="error" role="alert">
        ${count === 1 ? 'Eine Angabe stimmt' : `${count} Angaben stimmen`} noch nicht.
      </p>`
    }
    ${body}
    <button ${danger === true && html`class="danger"`}>${submit}</button>
    <p class="saving" role="status" hidden>
      Wird gespeichert. Das dauert gerade etwas länger, bitte warten …
    </p>
  </form>`;
}

/** The hidden part of every such form. */
export const submissionForm = z.object({ key: z.uuid() });

export const changeForm = submissionForm.extend({
  version: z.coerce.number().int().positive(),
  before: z
    .string()
    .max(4_000)
    .transform((text, context): Values => {
      try {
        return z.record(z.string(), z.string()).parse(JSON.parse(text));
      } catch {
        context.addIssue({ code: 'custom', message: 'no values' });
        return z.NEVER;
      }
    }),
});

/** A choice from a list, by its number, or none. */
export const optionalId = z
  .string()
  .regex(/^\d{0,9}$/)
  .transform((text) => (text === '' ? null : Number(text)));

export function requiredId(message: string) {
  return z
    .string(message)
    .regex(/^\d{1,9}$/, message)
    .transform(Number);
}

/** @returns the first thing that is wrong with each field. */
export function errorsOf({ issues }: z.ZodError): FieldErrors {
  return Object.fromEntries(issues.toReversed().map(({ path, message }) => [String(path[0] ?? ''), message]));
}

/** What a form has sent, as text, whatever that is: for showing it again. */
export function valuesOf(body: unknown, fields: readonly string[]): Values {
  const sent = (body ?? {}) as Record<string, unknown>;
  return Object.fromEntries(fields.map((name) => [name, typeof sent[name] === 'string' ? sent[name] : '']));
}
