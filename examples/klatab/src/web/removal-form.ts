import type { FastifyReply } from 'fastify';
import { submitForm } from './form.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import type { Resource, Versioned } from './resource.ts';

/** Asked once more before anything is gone, without a script. */
export function removalForm<Item extends Versioned>(
  { path, words }: Pick<Resource<Item, never>, 'path' | 'words'>,
  { id, version }: Versioned,
  reply: FastifyReply,
): Html {
  return html`<details>
    <summary>${words.remove} …</summary>
    ${submitForm({
      action: `${path}/${id}/loeschen`,
      submit: 'Endgültig löschen',
      danger: true,
      state: { values: {}, errors: {} },
      base: { version, values: {} },
      reply,
    })}
  </details>`;
}
