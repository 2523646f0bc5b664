import { describe, expect, it } from 'vitest';
import { languageOf } from './language.ts';

describe('the language', () => {
  it.each([
    [{ LANG: 'de_DE.UTF-8' }, 'de'],
    [{ LANG: 'de' }, 'de'],
    [{ LANG: 'en_US.UTF-8' }, 'en'],
    [{ LANG: 'C' }, 'en'],
    [{}, 'en'],
    [{ LANG: 'den_CA' }, 'en'],
    [{ LC_ALL: 'en_GB', LANG: 'de_DE' }, 'en'],
    [{ LC_ALL: '', LC_MESSAGES: 'de_AT', LANG: 'en_US' }, 'de'],
  ])('of %j is %s', (environment, language) => {
    expect(languageOf(environment)).toBe(language);
  });
});
