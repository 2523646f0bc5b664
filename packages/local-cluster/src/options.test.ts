import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { makeCertificates } from './engine/certificates.ts';
import { ClusterError } from './errors.ts';
import { CLUSTER_DEFAULTS, resolveOptions, type ClusterOptions } from './options.ts';

describe('resolveOptions', () => {
  it('fills in the documented defaults', () => {
    expect(resolveOptions()).toEqual({
      ...CLUSTER_DEFAULTS,
      version: 16,
      synchronous: true,
      settings: {},
      dataDirectory: tmpdir(),
    });
  });

  it('refuses passwords that somebody would have to quote, without showing them', () => {
    for (const password of [
      'geheim mit leer',
      'gehe"im',
      "gehe'im",
      'gehe\\im',
      'geheimß',
      '',
      'geheim'.repeat(17),
    ])
      for (const option of ['password', 'superuserPassword']) {
        const resolve = () => resolveOptions({ [option]: password });
        expect(resolve).toThrow(new RegExp(`^option ${option}: does not fit .*1 to 100 printable`));
        expect(resolve).not.toThrow(/gehe.?im/);
      }
    expect(resolveOptions({ password: 'a=b;c#d{}~!' }).password).toBe('a=b;c#d{}~!');
  });

  it('takes a certificate with its key, which the authority has signed, and shows none of them', async () => {
    const [ours, others] = await Promise.all([makeCertificates(), makeCertificates()]);
    expect(resolveOptions({ certificates: ours }).certificates).toEqual(ours);
    for (const [part, certificates] of [
      ['ca', { ...ours, ca: ours.certificate }],
      ['ca', { ...ours, ca: 'SECRET' }],
      ['certificate', { ...ours, certificate: 'SECRET' }],
      ['certificate', { ...ours, ca: others.ca }],
      ['key', { ...ours, key: others.key }],
      ['key', { ...ours, key: 'SECRET' }],
    ] as const) {
      const resolve = () => resolveOptions({ certificates });
      expect(resolve).toThrow(new RegExp(`^option certificates\\.${part}: does not fit`));
      expect(resolve).not.toThrow(/SECRET|BEGIN/);
    }
  });

  it('takes undefined for not given', () => {
    expect(resolveOptions({ replicas: undefined } as unknown as ClusterOptions).replicas).toBe(2);
  });

  it('takes what the operating system has, and the shortest lease, for Patroni', () => {
    expect(resolveOptions({ engine: 'patroni' })).toMatchObject({ version: 'any', promoteAfterMs: 20_000 });
    expect(resolveOptions({ engine: 'patroni', promoteAfterMs: 30_000 }).promoteAfterMs).toBe(30_000);
  });

  it('is asynchronous where there is nobody to wait for', () => {
    expect(resolveOptions({ replicas: 0 }).synchronous).toBe(false);
  });

  it('gives what nobody can change any more', () => {
    expect(Object.isFrozen(resolveOptions())).toBe(true);
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ engine: 'docker' }, /option engine: "docker" was given .*embedded, patroni/],
    [{ version: 13 }, /option version: 13 was given .*14, 15, 16, 17, 18/],
    [{ version: 'any' }, /option version: "any" was given/],
    [{ diskMb: 64 }, /option diskMb: 64 was given .*from 128 to 1048576 or false/],
    [{ terminateTls: 1 }, /option terminateTls: 1/],
    [{ replica: 2 }, /option replica: is not an option .*replicas/],
    [{ replicas: 8 }, /option replicas: 8 was given .*from 0 to 7/],
    [{ replicas: -1 }, /option replicas: -1/],
    [{ replicas: 1.5 }, /option replicas: 1\.5/],
    [{ replicas: '2' }, /option replicas: "2"/],
    [{ replicas: 0, synchronous: true }, /option synchronous: .*replicas of 1 or more/],
    [{ synchronous: 'yes' }, /option synchronous: "yes"/],
    [{ promoteAfterMs: -1 }, /option promoteAfterMs: -1 .*or false/],
    [{ promoteAfterMs: true }, /option promoteAfterMs: true/],
    [{ engine: 'patroni', promoteAfterMs: 1_000 }, /promoteAfterMs: 1000 .*whole seconds from 20000/],
    [{ engine: 'patroni', promoteAfterMs: 20_500 }, /promoteAfterMs: 20500 .*whole seconds/],
    [{ engine: 'patroni', promoteAfterMs: false }, /promoteAfterMs: false .*use the fault pause/],
    [{ database: '' }, /option database/],
    [{ database: 'postgres' }, /option database: "postgres"/],
    [{ database: 'ö'.repeat(32) }, /option database/],
    [{ user: 'pg_me' }, /option user/],
    [{ user: 'replicator' }, /option user: "replicator"/],
    [{ user: 'a"b' }, /option user/],
    [{ user: 'a\nb' }, /option user/],
    [{ maxConnections: 9 }, /option maxConnections: 9 .*from 10 to 2000/],
    [{ poolers: 'maybe' }, /option poolers: "maybe"/],
    [{ settings: { fsync: 'off' } }, /option settings\.fsync: is set by the cluster itself/],
    [{ settings: { 'work_mem; DROP': '1' } }, /option settings/],
    [{ settings: { work_mem: 4 } }, /option settings\.work_mem: 4/],
    [{ settings: { work_mem: "1MB'\nfsync=off" } }, /option settings\.work_mem/],
    [{ initSql: 5 }, /option initSql: 5/],
    [{ certificates: { ca: 'a', certificate: 'b' } }, /option certificates: .*\{ ca, certificate, key \}/],
    [{ dataDirectory: '' }, /option dataDirectory/],
    [{ signal: {} }, /option signal/],
  ])('refuses %j', (options, message) => {
    const resolve = () => resolveOptions(options);
    expect(resolve).toThrow(ClusterError);
    expect(resolve).toThrow(message);
    expect(resolve).toThrow(/^[^\n]*$/);
  });
});
