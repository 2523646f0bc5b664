import { clockTime } from '../school/calendar.ts';
import type { FieldChange } from '../school/merge.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { spoken } from './resource.ts';
import type { Choices, Resource, Versioned } from './resource.ts';

interface Changed {
  readonly changedBy?: string | null;
  readonly changedAt?: Date;
}

/** What two people have changed at the same time, and what is proposed. */
export function mergeTable<Item extends Versioned & Changed>(
  changes: readonly FieldChange[],
  { changedBy, changedAt }: Item,
  { words, labels }: Pick<Resource<Item, never>, 'words' | 'labels'>,
  choices: Choices,
): Html {
  const conflicts = changes.filter(({ isConflict }) => isConflict).length;
  const say = (field: string, value: string) => spoken(field, value, choices) || '–';
  return html`<div class="merge" role="alert">
    <p>
      ${words.it} wurde inzwischen geändert: von ${changedBy ?? 'jemand anderem'}
      ${changedAt !== undefined && html`um ${clockTime(changedAt)} Uhr`}. Gespeichert ist noch nichts von
      Ihnen.
      ${
        conflicts === 0
          ? 'Beide Änderungen passen zusammen: Unten stehen sie gemeinsam.'
          : 'Wo beide etwas geändert haben, steht unten Ihre Angabe. Bitte prüfen.'
      }
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Änderungen">
      <table>
        <thead>
          <tr>
            <th scope="col">Angabe</th>
            <th scope="col">Vorher</th>
            <th scope="col">Jetzt gespeichert</th>
            <th scope="col">Ihre Eingabe</th>
          </tr>
        </thead>
        <tbody>
          ${changes.map(
            ({ field, before, theirs, mine, isConflict }) =>
              html`<tr ${isConflict && html`class="conflict"`}>
                <th scope="row">${labels[field]}${isConflict && ' (beide geändert)'}</th>
                <td>${say(field, before)}</td>
                <td>${say(field, theirs)}</td>
                <td>${say(field, mine)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </div>`;
}
