import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterError } from '../../errors.ts';
import { findPrograms } from './programs.ts';

const OF_POSTGRES = 'postgres initdb pg_ctl pg_basebackup pg_controldata pg_rewind pg_isready'.split(' ');

describe.runIf(process.platform === 'linux')('findPrograms', () => {
  let place: string;
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'schooldb-programs-'));
  });
  afterEach(() => rmSync(place, { recursive: true }));

  /** A machine that has these programs, and a Python with or without the modules. */
  function machine({ programs = [], postgres = {}, modules = true }: Machine) {
    const bin = join(place, 'bin');
    make(bin, programs);
    for (const [version, names] of Object.entries(postgres))
      make(join(place, 'postgresql', version, 'bin'), names);
    writeFileSync(join(place, 'python'), `#!/bin/sh\nexit ${modules ? 0 : 1}\n`, { mode: 0o755 });
    return { programs: [bin], postgres: join(place, 'postgresql'), python: join(place, 'python') };
  }

  it('takes the newest PostgreSQL that is complete, or the one asked for', async () => {
    const postgres = { '15': OF_POSTGRES, '17': OF_POSTGRES, '18': ['postgres', 'initdb'] };
    const places = machine({ programs: ['etcd', 'patroni', 'haproxy'], postgres });
    expect(await findPrograms({ version: 'any' }, places)).toEqual({
      etcd: join(place, 'bin', 'etcd'),
      patroni: join(place, 'bin', 'patroni'),
      haproxy: join(place, 'bin', 'haproxy'),
      postgresBin: join(place, 'postgresql', '17', 'bin'),
    });
    const { postgresBin } = await findPrograms({ version: 15 }, places);
    expect(postgresBin).toBe(join(place, 'postgresql', '15', 'bin'));
  });

  it('says what is missing, and the command that gets it', async () => {
    const finding = findPrograms({ version: 'any' }, machine({ programs: ['haproxy'] }));
    await expect(finding).rejects.toThrow(ClusterError);
    await expect(finding).rejects.toThrow(
      'engine patroni needs etcd, patroni, PostgreSQL 14 to 18, not found on this machine ' +
        '(Debian: sudo apt-get install --no-install-recommends postgresql patroni python3-etcd python3-idna etcd-server haproxy pgbouncer)',
    );
  });

  it('says which versions there are, and that Patroni lacks its client of etcd', async () => {
    const programs = ['etcd', 'patroni', 'haproxy'];
    const places = machine({ programs, postgres: { '15': OF_POSTGRES }, modules: false });
    await expect(findPrograms({ version: 18 }, places)).rejects.toThrow(
      /needs Python's modules etcd and idna, PostgreSQL 18 \(there is 15\), .* postgresql-18 patroni/,
    );
  });
});

interface Machine {
  programs?: readonly string[];
  postgres?: Record<string, readonly string[]>;
  modules?: boolean;
}

function make(directory: string, names: readonly string[]): void {
  mkdirSync(directory, { recursive: true });
  for (const name of names) writeFileSync(join(directory, name), '', { mode: 0o755 });
}
