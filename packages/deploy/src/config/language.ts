export const LANGUAGES = ['de', 'en'] as const;

export type Language = (typeof LANGUAGES)[number];

/** The language that the environment asks for, as gettext reads it: German where it does, otherwise English. */
export function languageOf(environment: NodeJS.ProcessEnv): Language {
  const wanted = [environment['LC_ALL'], environment['LC_MESSAGES'], environment['LANG']].find(Boolean) ?? '';
  return /^de(?:$|[_.@-])/i.test(wanted) ? 'de' : 'en';
}
