import type { Language } from '../../config/language.ts';
import { partName } from '../../cli/part-name.ts';
import { obstacleText as obstacleDe } from '../../cli/cluster-texts-de.ts';
import { obstacleText as obstacleEn } from '../../cli/cluster-texts-en.ts';
import type { Obstacle } from '../../errors/deploy-error.ts';
import type { PartState } from './upgrade.ts';

interface UpgradeTexts {
  part(state: PartState): string;
  nothingToDo(): string;
  question(count: number): string;
  waiting(reason: string): string;
  /** Those that an earlier run had written. */
  finished(count: number, seconds: number): string;
  done(count: number, seconds: number): string;
}

const EN: UpgradeTexts = {
  part: (state) =>
    line(state, {
      absent: "is not installed; 'deploy:lab apply' does that",
      wide: 'over several versions: read the release notes of those between first',
      unknown: 'an unknown version',
      unfinished: (obstacle) => `was written earlier and is not rolled out yet: ${obstacleEn(obstacle)}`,
    }),
  nothingToDo: () => 'Nothing is to be upgraded.',
  question: (count) => `Upgrade ${count === 1 ? 'this part' : `these ${count} parts`}? [y/N] `,
  waiting: (reason) => `  waiting: ${reason}`,
  finished: (count, seconds) => `${count} ${count === 1 ? 'part' : 'parts'} rolled out after ${seconds} s.`,
  done: (count, seconds) => `${count} ${count === 1 ? 'part' : 'parts'} upgraded in ${seconds} s.`,
};

const DE: UpgradeTexts = {
  part: (state) =>
    line(state, {
      absent: "ist nicht installiert; das macht 'deploy:lab apply'",
      wide: 'über mehrere Versionen: erst die Hinweise zu denen dazwischen lesen',
      unknown: 'eine unbekannte Version',
      unfinished: (obstacle) =>
        `ist früher geschrieben worden und noch nicht ausgerollt: ${obstacleDe(obstacle)}`,
    }),
  nothingToDo: () => 'Es ist nichts zu aktualisieren.',
  question: (count) => `${count === 1 ? 'Diesen Teil' : `Diese ${count} Teile`} aktualisieren? [j/N] `,
  waiting: (reason) => `  wartet: ${reason}`,
  finished: (count, seconds) => `${count} ${count === 1 ? 'Teil' : 'Teile'} nach ${seconds} s ausgerollt.`,
  done: (count, seconds) => `${count} ${count === 1 ? 'Teil' : 'Teile'} in ${seconds} s aktualisiert.`,
};

interface Words {
  readonly absent: string;
  readonly wide: string;
  readonly unknown: string;
  unfinished(obstacle: Obstacle): string;
}

function line(state: PartState, words: Words): string {
  const name = partName(state.part);
  if (state.is === 'absent') return `  - ${name} ${words.absent}`;
  if (state.is === 'current') return `  = ${name} ${state.version}`;
  if (state.is === 'unfinished') return `  ~ ${name} ${state.version} ${words.unfinished(state.obstacle)}`;
  const { from, to, verdict } = state.change;
  const remark = verdict === 'wide' ? ` (${words.wide})` : '';
  return `  ~ ${name} ${from ?? words.unknown} → ${to}${remark}`;
}

export const UPGRADE_TEXTS: Record<Language, UpgradeTexts> = { de: DE, en: EN };
