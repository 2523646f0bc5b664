import type { By } from '../../cli/cluster-texts.ts';
import { sendersTextDe, takeoverTextDe } from '../../cli/operation-failures-de.ts';
import { sendersTextEn, takeoverTextEn } from '../../cli/operation-failures-en.ts';
import type { Language } from '../../config/language.ts';
import type { LabChange } from './lab-edit.ts';
import type { ScaleEvent } from './scale.ts';

interface ScaleTexts {
  badNumber(given: string, most: number): string;
  change(path: string, change: LabChange): string;
  unchanged(): string;
  question(from: number, to: number): string;
  readonly events: By<ScaleEvent, 'type'>;
  done(instances: number): string;
}

const DE: ScaleTexts = {
  badNumber: (given, most) => `'${given}' ist keine Zahl von Instanzen; erlaubt: 1 bis ${most}`,
  change: (path, { path: key, before, after }) => `  ~ ${path}: ${key}: ${before} → ${after}`,
  unchanged: () =>
    'Die lab.yaml und der Cluster bleiben, wie sie sind: Mit dieser Zahl wäre die lab.yaml falsch.',
  question: (from, to) => `Den Cluster von ${from} auf ${to} Instanzen bringen? [j/N] `,
  events: {
    'senders:waiting': ({ obstacle }) => `  wartet: ${sendersTextDe(obstacle)}`,
    'senders:there': ({ senders }) => `  der Primary hat ${senders} Sender und Slots, oder mehr`,
    'handover:begun': ({ from, to }) => `  ${from} ginge mit; erst übernimmt ${to}`,
    'handover:waiting': ({ obstacle }) => `  wartet: ${takeoverTextDe(obstacle)}`,
    'members:changing': ({ from, to }) => `  von ${from} auf ${to} Mitglieder`,
    'members:leaving': ({ pods }) => `  wartet: ${pods.join(', ')} sind noch da`,
    'whole:waiting': ({ reason }) => `  wartet: ${reason.de}`,
    'volumes:kept': ({ claims }) =>
      `  die Daten der entfernten bleiben: ${claims.join(', ')}. Wer sie nicht mehr braucht, löscht sie ('kubectl delete pvc').`,
  },
  done: (instances) =>
    `Der Cluster hat jetzt ${instances} ${instances === 1 ? 'Instanz' : 'Instanzen'}, wie die lab.yaml sagt.`,
};

const EN: ScaleTexts = {
  badNumber: (given, most) => `'${given}' is no number of instances; allowed: 1 to ${most}`,
  change: (path, { path: key, before, after }) => `  ~ ${path}: ${key}: ${before} → ${after}`,
  unchanged: () =>
    'The lab.yaml and the cluster stay as they are: with this number the lab.yaml would be wrong.',
  question: (from, to) => `Bring the cluster from ${from} to ${to} instances? [y/N] `,
  events: {
    'senders:waiting': ({ obstacle }) => `  waiting: ${sendersTextEn(obstacle)}`,
    'senders:there': ({ senders }) => `  the primary has ${senders} senders and slots, or more`,
    'handover:begun': ({ from, to }) => `  ${from} would go; ${to} takes over first`,
    'handover:waiting': ({ obstacle }) => `  waiting: ${takeoverTextEn(obstacle)}`,
    'members:changing': ({ from, to }) => `  from ${from} to ${to} members`,
    'members:leaving': ({ pods }) => `  waiting: ${pods.join(', ')} are still there`,
    'whole:waiting': ({ reason }) => `  waiting: ${reason.en}`,
    'volumes:kept': ({ claims }) =>
      `  the data of those that went stays: ${claims.join(', ')}. Who does not need it deletes it ('kubectl delete pvc').`,
  },
  done: (instances) =>
    `The cluster has ${instances} ${instances === 1 ? 'instance' : 'instances'} now, as the lab.yaml says.`,
};

export const SCALE_TEXTS: Record<Language, ScaleTexts> = { de: DE, en: EN };
