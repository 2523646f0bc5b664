import { describe, expect, it } from 'vitest';
import { passwordFor } from './passfile.ts';

const WHO = { host: 'db', port: 5432, database: 'school', user: 'app' };

describe('passwordFor', () => {
  it.each([
    ['db:5432:school:app:right', 'right'],
    ['*:*:*:*:right', 'right'],
    ['other:5432:school:app:wrong\ndb:5432:school:app:right\n*:*:*:*:later', 'right'],
    ['db:5433:school:app:wrong', ''],
    ['db:5432:other:app:wrong', ''],
    ['db:5432:school:other:wrong', ''],
    ['#db:5432:school:app:wrong', ''],
    ['db:5432:school:app', ''],
    ['db:5432:school:app:with:colon', 'with:colon'],
    [String.raw`db:5432:school:app:with\:colon\\`, String.raw`with:colon\ `.trim()],
    ['db:5432:school:app:right\r\n', 'right'],
    ['', ''],
  ])('finds in %j %j', (lines, password) => {
    expect(passwordFor(WHO, lines)).toBe(password);
  });

  it('reads escapes in what is compared', () => {
    expect(passwordFor({ ...WHO, host: '::1', user: 'a:b' }, String.raw`\:\:1:*:*:a\:b:right`)).toBe('right');
  });
});
