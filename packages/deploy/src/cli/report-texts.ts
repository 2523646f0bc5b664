import type { Language } from '../config/language.ts';

interface ReportTexts {
  title(cluster: string): string;
  readonly headings: Readonly<Record<'lab' | 'versions' | 'plan' | 'state' | 'verify', string>>;
  readonly labels: Readonly<Record<'profile' | 'postgres' | 'made' | 'charts' | 'images', string>>;
  made(at: string, seconds: number): string;
  notVerified(): string;
  notOurs(path: string): string;
  written(path: string): string;
}

export const REPORT_TEXTS: Record<Language, ReportTexts> = {
  de: {
    title: (cluster) => `Bericht über ${cluster}`,
    headings: { lab: 'Lab', versions: 'Versionen', plan: 'Plan', state: 'Zustand', verify: 'Prüfung' },
    labels: {
      profile: 'Profil',
      postgres: 'PostgreSQL laut lab.yaml',
      made: 'Erstellt',
      charts: 'Charts',
      images: 'Images',
    },
    made: (at, seconds) => `${at}, in ${seconds} s`,
    notVerified: () => 'Nicht geprüft (--no-verify).',
    notOurs: (path) => `${path} gibt es schon und ist kein Bericht; einen anderen Namen angeben`,
    written: (path) => `${path} ist geschrieben.`,
  },
  en: {
    title: (cluster) => `Report on ${cluster}`,
    headings: { lab: 'Lab', versions: 'Versions', plan: 'Plan', state: 'State', verify: 'Verification' },
    labels: {
      profile: 'Profile',
      postgres: 'PostgreSQL by the lab.yaml',
      made: 'Made',
      charts: 'Charts',
      images: 'Images',
    },
    made: (at, seconds) => `${at}, in ${seconds} s`,
    notVerified: () => 'Not verified (--no-verify).',
    notOurs: (path) => `${path} is there already and is no report; give another name`,
    written: (path) => `${path} is written.`,
  },
};
