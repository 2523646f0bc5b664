import type { Language } from '../../config/language.ts';
import { partName } from '../../cli/part-name.ts';
import type { PartState } from './upgrade.ts';

interface UpgradeTexts {
  part(state: PartState): string;
  nothingToDo(): string;
  question(count: number): string;
  waiting(reason: string): string;
  done(count: number, seconds: number): string;
}

const EN: UpgradeTexts = {
  part: (state) =>
    line(state, {
      absent: "is not installed; 'deploy:lab apply' does that",
      wide: 'over several versions: read the release notes of those between first',
      unknown: 'an unknown version',
    }),
  nothingToDo: () => 'Nothing is to be upgraded.',
  question: (count) => `Upgrade ${count === 1 ? 'this part' : `these ${count} parts`}? [y/N] `,
  waiting: (reason) => `  waiting: ${reason}`,
  done: (count, seconds) => `${count} ${count === 1 ? 'part' : 'parts'} upgraded in ${seconds} s.`,
};

const DE: UpgradeTexts = {
  part: (state) =>
    line(state, {
      absent: "ist nicht installiert; das macht 'deploy:lab apply'",
      wide: 'über mehrere Versionen: erst die Hinweise zu denen dazwischen lesen',
      unknown: 'eine unbekannte Version',
    }),
  nothingToDo: () => 'Es ist nichts zu aktualisieren.',
  question: (count) => `${count === 1 ? 'Diesen Teil' : `Diese ${count} Teile`} aktualisieren? [j/N] `,
  waiting: (reason) => `  wartet: ${reason}`,
  done: (count, seconds) => `${count} ${count === 1 ? 'Teil' : 'Teile'} in ${seconds} s aktualisiert.`,
};

function line(state: PartState, words: { absent: string; wide: string; unknown: string }): string {
  const name = partName(state.part);
  if (state.is === 'absent') return `  - ${name} ${words.absent}`;
  if (state.is === 'current') return `  = ${name} ${state.version}`;
  const { from, to, verdict } = state.change;
  const remark = verdict === 'wide' ? ` (${words.wide})` : '';
  return `  ~ ${name} ${from ?? words.unknown} → ${to}${remark}`;
}

export const UPGRADE_TEXTS: Record<Language, UpgradeTexts> = { de: DE, en: EN };
