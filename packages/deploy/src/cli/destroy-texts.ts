import type { Language } from '../config/language.ts';
import type { Kept } from '../destroy/fate.ts';
import type { By } from './cluster-texts.ts';

/** What `destroy` says, in one language. */
export interface DestroyTexts {
  goes(count: number): string;
  stays(count: number): string;
  readonly kept: By<Kept, 'is'>;
  nothingThere(): string;
  question(name: string): string;
  otherName(given: string, name: string): string;
  needsName(name: string): string;
  gone(resource: string): string;
  destroyed(gone: number, kept: number, seconds: number): string;
}

export const DESTROY_TEXTS: Record<Language, DestroyTexts> = {
  en: {
    goes: (count) => `These ${count} objects will be deleted, in this order, with all that belongs to them:`,
    stays: (count) => `These ${count} stay:`,
    kept: {
      volumes: () => 'the data of the database; --with-volumes deletes it for good',
      secrets: () => 'a password or a key; --with-secrets deletes it',
      backups: () => 'the way to the backups; --with-backups deletes it, and leaves the files on the share',
      foreign: () => 'it bears our name, but not our labels: somebody else has made it',
      'in-use': ({ by }) => `${by} needs it`,
      holds: ({ what }) => `${what} is in it`,
    },
    nothingThere: () =>
      'Nothing to do: nothing of this lab is in the cluster, but what is named above, if anything.',
    question: (name) => `Type the name of the cluster (${name}) to delete this: `,
    otherName: (given, name) =>
      `'${given}' is not the name of this lab's cluster, which is ${name}; nothing was deleted`,
    needsName: (name) => `there is no terminal to ask at; --yes-destroy ${name} says that you mean it`,
    gone: (resource) => `  deleted ${resource}`,
    destroyed: (gone, kept, seconds) => `Done: ${gone} deleted, ${kept} kept, in ${seconds} s.`,
  },
  de: {
    goes: (count) =>
      `Diese ${count} Objekte werden gelöscht, in dieser Reihenfolge, mit allem, was an ihnen hängt:`,
    stays: (count) => `Diese ${count} bleiben:`,
    kept: {
      volumes: () => 'die Daten der Datenbank; --with-volumes löscht sie endgültig',
      secrets: () => 'ein Passwort oder Schlüssel; --with-secrets löscht es',
      backups: () =>
        'der Weg zu den Sicherungen; --with-backups löscht ihn und lässt die Dateien auf der Freigabe',
      foreign: () => 'trägt unseren Namen, aber nicht unsere Labels: Jemand anderes hat es angelegt',
      'in-use': ({ by }) => `${by} braucht es`,
      holds: ({ what }) => `${what} liegt darin`,
    },
    nothingThere: () => 'Nichts zu tun: Von diesem Lab ist nichts im Cluster, außer was oben steht.',
    question: (name) => `Um das zu löschen, den Namen des Clusters eingeben (${name}): `,
    otherName: (given, name) =>
      `'${given}' ist nicht der Name des Clusters dieses Labs, der ${name} heißt; es wurde nichts gelöscht`,
    needsName: (name) =>
      `es gibt kein Terminal für eine Rückfrage; --yes-destroy ${name} sagt, dass es so gemeint ist`,
    gone: (resource) => `  gelöscht: ${resource}`,
    destroyed: (gone, kept, seconds) => `Fertig: ${gone} gelöscht, ${kept} behalten, in ${seconds} s.`,
  },
};
