import { existsSync, readdirSync } from 'node:fs';
import { describe } from 'vitest';

const POSTGRES = '/usr/lib/postgresql';
const PROGRAMS = ['patroni', 'etcd', 'haproxy', 'pgbouncer'];
const PACKAGES = 'postgresql patroni python3-etcd python3-idna etcd-server haproxy pgbouncer';

/** The newest PostgreSQL of the operating system's packages, in whose version Patroni's servers run. */
export const systemPostgres = existsSync(POSTGRES)
  ? readdirSync(POSTGRES)
      .map(Number)
      .filter(Number.isInteger)
      .toSorted((one, other) => other - one)[0]
  : undefined;

const isThere =
  systemPostgres !== undefined &&
  PROGRAMS.every((name) => ['/usr/bin', '/usr/sbin'].some((place) => existsSync(`${place}/${name}`)));
const skipped = process.env['CI'] === undefined && !isThere;

/** A `describe` whose tests need real Patroni: skipped where it is missing, unless in CI, where they fail. */
export function describeWithPatroni(name: string, tests: () => void): void {
  const shown = skipped ? `${name} (skipped: needs Patroni: apt-get install ${PACKAGES})` : name;
  describe.skipIf(skipped)(shown, tests);
}
