import type { By } from '../../cli/cluster-texts.ts';
import { takeoverTextDe } from '../../cli/operation-failures-de.ts';
import { takeoverTextEn } from '../../cli/operation-failures-en.ts';
import type { Language } from '../../config/language.ts';
import type { NotWhole, TakeoverObstacle } from '../../errors/operation-failure.ts';
import type { DrillEvent } from './drill.ts';
import type { DrillResult, Missed } from './judge.ts';
import type { DrillName } from './strike.ts';

interface DrillTexts {
  unknownDrill(given: string): string;
  badClients(given: string): string;
  badKind(given: string, allowed: string): string;
  question(cluster: string, drills: string): string;
  /** Tables that were dropped. */
  leftovers(tables: readonly string[]): string;
  title(name: DrillName): string;
  readonly events: By<DrillEvent, 'type'>;
  obstacle(obstacle: TakeoverObstacle): string;
  notWhole(reason: NotWhole): string;
  whole(seconds: number): string;
  result(result: DrillResult): string[];
  readonly missed: By<Missed, 'is'>;
  passed(): string;
  failed(count: number): string;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

const DE: DrillTexts = {
  unknownDrill: (given) => `'${given}' lässt sich nicht proben; erlaubt: failover`,
  badClients: (given) => `'${given}' ist keine Zahl von Clients; erlaubt: 1 bis 1000`,
  badKind: (given, allowed) => `'${given}' ist keine Art von Probe; erlaubt: ${allowed}`,
  question: (cluster, drills) =>
    `${cluster} jetzt unter Last proben (${drills})? Apps warten dabei auf ihren nächsten Schreibvorgang. [j/N] `,
  leftovers: (tables) =>
    `Eine Probe, die getötet wurde, hatte Tabellen hinterlassen; sie sind gelöscht: ${tables.join(', ')}.`,
  title: (name) => (name === 'switchover' ? 'Probe: geordneter Wechsel' : 'Probe: Tod des Primary-Pods'),
  events: {
    'load:running': ({ writes }) => `  die Last läuft: ${writes} Schreibvorgänge`,
    struck: ({ drill, pod }) =>
      drill === 'switchover' ? `  ${pod} gibt die Führung ab` : `  Pod ${pod} ist gelöscht`,
    'taken-over': ({ pod, afterMs }) => `  ${pod} führt nach ${seconds(afterMs)}`,
    'writes:going-on': () => '  Schreiben geht weiter',
    'reading-back': () => '  jeder Schreibvorgang wird nachgezählt',
    warning: ({ text }) => `  Lastgenerator: ${text}`,
  },
  obstacle: (obstacle) => `  wartet: ${takeoverTextDe(obstacle)}`,
  notWhole: ({ de }) => `  wartet, bis der Cluster vollständig ist: ${de}`,
  whole: (taken) => `  nach ${taken} s sind alle Mitglieder wieder da`,
  result: ({ from, to, nextWriteMs, limitMs, writes }) => [
    `  von ${from} zu ${to}`,
    `  nächster Schreibvorgang nach ${nextWriteMs === null ? '-' : seconds(nextWriteMs)}, erlaubt: ${seconds(limitMs)}`,
    ...(writes === null
      ? []
      : [
          `  ${writes.sent} Schreibvorgänge, ${writes.acknowledged} bestätigt: ${writes.lost} verloren, ${writes.doubled} doppelt, ${writes.unknown} ungewiss`,
        ]),
  ],
  missed: {
    'next-write': ({ ms, limitMs }) =>
      `der nächste Schreibvorgang kam nach ${seconds(ms)}, erlaubt: ${seconds(limitMs)}`,
    lost: ({ count, limit }) => `${count} bestätigte Schreibvorgänge verloren, erlaubt: ${limit}`,
    doubled: ({ count, limit }) => `${count} Schreibvorgänge doppelt, erlaubt: ${limit}`,
    ghosts: ({ count, limit }) => `${count} als gescheitert gemeldet und doch da, erlaubt: ${limit}`,
    unexpected: ({ count, limit }) => `${count} da und nie gesendet, erlaubt: ${limit}`,
    unknown: ({ count, limit }) => `${count} mit ungewissem Ausgang, erlaubt: ${limit}`,
    'not-judged': ({ reason }) => `nichts bewiesen (${reason}): mit mehr --clients wiederholen`,
  },
  passed: () => 'Alle Grenzen sind eingehalten.',
  failed: (count) =>
    `${count} ${count === 1 ? 'Grenze ist' : 'Grenzen sind'} verfehlt. 'deploy:lab status' und die Protokolle der Mitglieder sagen, was dauerte; die Grenzen stehen unter limits in der lab.yaml.`,
};

const EN: DrillTexts = {
  unknownDrill: (given) => `'${given}' cannot be drilled; allowed: failover`,
  badClients: (given) => `'${given}' is no number of clients; allowed: 1 to 1000`,
  badKind: (given, allowed) => `'${given}' is no kind of drill; allowed: ${allowed}`,
  question: (cluster, drills) =>
    `Drill ${cluster} now, under load (${drills})? Apps will wait for their next write. [y/N] `,
  leftovers: (tables) =>
    `A drill that was killed had left tables behind; they are dropped: ${tables.join(', ')}.`,
  title: (name) => (name === 'switchover' ? 'Drill: switchover' : "Drill: death of the primary's pod"),
  events: {
    'load:running': ({ writes }) => `  the load is on: ${writes} writes`,
    struck: ({ drill, pod }) =>
      drill === 'switchover' ? `  ${pod} hands the lead over` : `  Pod ${pod} is deleted`,
    'taken-over': ({ pod, afterMs }) => `  ${pod} leads after ${seconds(afterMs)}`,
    'writes:going-on': () => '  writes go on',
    'reading-back': () => '  counting each write',
    warning: ({ text }) => `  load generator: ${text}`,
  },
  obstacle: (obstacle) => `  waiting: ${takeoverTextEn(obstacle)}`,
  notWhole: ({ en }) => `  waiting for the cluster to be whole: ${en}`,
  whole: (taken) => `  after ${taken} s all members are back`,
  result: ({ from, to, nextWriteMs, limitMs, writes }) => [
    `  from ${from} to ${to}`,
    `  next write after ${nextWriteMs === null ? '-' : seconds(nextWriteMs)}, allowed: ${seconds(limitMs)}`,
    ...(writes === null
      ? []
      : [
          `  ${writes.sent} writes, ${writes.acknowledged} acknowledged: ${writes.lost} lost, ${writes.doubled} doubled, ${writes.unknown} unknown`,
        ]),
  ],
  missed: {
    'next-write': ({ ms, limitMs }) =>
      `the next write came after ${seconds(ms)}, allowed: ${seconds(limitMs)}`,
    lost: ({ count, limit }) => `${count} acknowledged writes lost, allowed: ${limit}`,
    doubled: ({ count, limit }) => `${count} writes doubled, allowed: ${limit}`,
    ghosts: ({ count, limit }) => `${count} reported as failed and yet there, allowed: ${limit}`,
    unexpected: ({ count, limit }) => `${count} there and never sent, allowed: ${limit}`,
    unknown: ({ count, limit }) => `${count} with an unknown outcome, allowed: ${limit}`,
    'not-judged': ({ reason }) => `nothing was proven (${reason}): repeat it with more --clients`,
  },
  passed: () => 'All limits are kept.',
  failed: (count) =>
    `${count} ${count === 1 ? 'limit is' : 'limits are'} missed. 'deploy:lab status' and the members' logs say what took so long; the limits stand under limits in the lab.yaml.`,
};

export const DRILL_TEXTS: Record<Language, DrillTexts> = { de: DE, en: EN };
