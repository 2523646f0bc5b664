import { existsSync } from 'node:fs';
import { describe } from 'vitest';

const PLACES = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'];
const skipped = process.env['CI'] === undefined && !PLACES.some((place) => existsSync(place));

/** A `describe` whose tests need PgBouncer: skipped where it is missing, unless in CI, where they fail. */
export function describeWithPoolers(name: string, tests: () => void): void {
  const shown = skipped ? `${name} (skipped: needs pgbouncer: apt-get install pgbouncer)` : name;
  describe.skipIf(skipped)(shown, tests);
}
