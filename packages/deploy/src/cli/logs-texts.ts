import type { Language } from '../config/language.ts';

interface LogsTexts {
  badSource(given: string, allowed: string): string;
  badTail(given: string): string;
  badSince(given: string): string;
  goesOn(): string;
  gone(pod: string): string;
  followed(pod: string): string;
}

export const LOGS_TEXTS: Record<Language, LogsTexts> = {
  de: {
    badSource: (given, allowed) => `von '${given}' gibt es keine Logs; erlaubt: ${allowed}`,
    badTail: (given) => `'${given}' ist keine Zahl von Zeilen; erlaubt: 0 bis 1000000`,
    badSince: (given) => `'${given}' ist keine Dauer; erlaubt sind 30s, 10m, 2h, 1d und dergleichen`,
    goesOn: () => 'Es wird weiter versucht; Strg-C beendet es.',
    gone: (pod) => `Pod ${pod} ist nicht mehr da.`,
    followed: (pod) => `Pod ${pod} ist neu da.`,
  },
  en: {
    badSource: (given, allowed) => `there are no logs of '${given}'; allowed: ${allowed}`,
    badTail: (given) => `'${given}' is no number of lines; allowed: 0 to 1000000`,
    badSince: (given) => `'${given}' is no duration; allowed are 30s, 10m, 2h, 1d and the like`,
    goesOn: () => 'It is tried again; Ctrl-C ends it.',
    gone: (pod) => `Pod ${pod} is gone.`,
    followed: (pod) => `Pod ${pod} is new.`,
  },
};
