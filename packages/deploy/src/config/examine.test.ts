import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { examineLab } from './examine.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { pathText } from './problem.ts';
import { TEXTS_DE } from './texts-de.ts';
import { TEXTS_EN } from './texts-en.ts';
import { describeProblem } from './texts.ts';

const SHIPPED = readFileSync(new URL('../../lab.yaml', import.meta.url), 'utf8');
const EMBEDDED = readFileSync(new URL('../../lab.embedded-etcd.yaml', import.meta.url), 'utf8');

/** The shipped file with one text in place of another, which must be there. */
function edited(...edits: readonly (readonly [from: string, to: string])[]): string {
  return edits.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the shipped lab.yaml has no '${from}'`);
    return text.replace(from, to);
  }, SHIPPED);
}

function problemsOf(text: string): readonly Problem[] {
  const examined = examineLab(text, SHIPPED);
  return examined.ok ? [] : examined.problems;
}

const summary = ({ code, path }: Problem) => `${code} ${pathText(path)}`.trim();

type Edit = readonly [from: string, to: string];

/** Each kind of mistake: what somebody changes in the shipped file, and all that is said of it. */
const MISTAKES: Record<ProblemCode, { edits: readonly Edit[]; found: readonly string[] }> = {
  syntax: { edits: [['profile: external', '\tprofile: external']], found: ['syntax'] },
  'key-twice': { edits: [['  team: acid', '  team: acid\n  team: acid']], found: ['key-twice team'] },
  'not-a-map': { edits: [[SHIPPED, '- a list']], found: ['not-a-map'] },
  missing: { edits: [['  name: wichtige-daten-3\n', '']], found: ['missing cluster.name'] },
  empty: { edits: [['database: firmendaten', 'database:']], found: ['empty cluster.database'] },
  'wrong-type': { edits: [['instances: 3', 'instances: three']], found: ['wrong-type cluster.instances'] },
  'unknown-key': {
    edits: [['  team: acid', '  team: acid\n  temas: acid']],
    found: ['unknown-key cluster.temas'],
  },
  'not-allowed': {
    edits: [['profile: external-postgres', 'profile: external']],
    found: ['not-allowed profile'],
  },
  'out-of-bounds': {
    edits: [['certificateDays: 365', 'certificateDays: 4000']],
    found: ['out-of-bounds tls.certificateDays'],
  },
  'too-long': {
    edits: [['name: wichtige-daten-3', `name: ${'w'.repeat(59)}`]],
    found: ['too-long cluster.name'],
  },
  'empty-list': {
    edits: [['clientNetworks:\n    - 10.0.145.0/24', 'clientNetworks: []']],
    found: ['empty-list network.clientNetworks'],
  },
  'not-an-address': {
    edits: [['master: 10.0.145.135', 'master: 10.0.145.0135']],
    found: ['not-an-address network.addresses.master'],
  },
  'not-a-network': {
    edits: [['    - 10.0.145.0/24', '    - 10.0.145.0/33']],
    found: ['not-a-network network.clientNetworks[0]'],
  },
  'not-a-range': {
    edits: [['10.0.145.130-10.0.145.149', '10.0.145.130-149']],
    found: ['not-a-range network.addressPool'],
  },
  'not-a-memory': { edits: [['size: 10Gi', 'size: 10 GB']], found: ['not-a-memory cluster.volume.size'] },
  'not-a-cpu': { edits: [['cpu: 250m', 'cpu: viel']], found: ['not-a-cpu cluster.resources.requests.cpu'] },
  'not-a-label': {
    edits: [['namespace: default', 'namespace: Default']],
    found: ['not-a-label cluster.namespace'],
  },
  'not-a-cluster-name': {
    edits: [['name: wichtige-daten-3', 'name: 3-wichtige-daten']],
    found: ['not-a-cluster-name cluster.name'],
  },
  'not-a-role': { edits: [['user: bauer', 'user: Bäuerin']], found: ['not-a-role cluster.user'] },
  'not-a-path': {
    edits: [['source: repository', 'source: directory\n  directory: ""']],
    found: ['not-a-path charts.directory', 'charts-without-directory charts.directory'],
  },
  'not-a-line': { edits: [['user: backup', 'user: "a,b"']], found: ['not-a-line addons.smb.user'] },
  'not-a-share': {
    edits: [['share: //10.0.145.113/backups', 'share: \\\\gl8\\backups']],
    found: ['not-a-share addons.smb.share'],
  },
  'not-a-window': {
    edits: [['- Sun:01:00-04:00', '- So:01:00-04:00']],
    found: ['not-a-window cluster.maintenanceWindows[0]'],
  },
  'not-a-setting': {
    edits: [['max_connections: 200', 'max_connections: 200\n    work_mem: [4MB]']],
    found: ['not-a-setting cluster.parameters.work_mem'],
  },
  'not-a-secret-reference': {
    edits: [['superuser: generated', 'superuser: hunter2']],
    found: ['not-a-secret-reference secrets.superuser'],
  },
  'not-an-authority-reference': {
    edits: [['authority: generated', 'authority: { certificateFile: ca.crt }']],
    found: ['not-an-authority-reference tls.authority'],
  },
  'host-bits-set': {
    edits: [['    - 10.0.145.0/24', '    - 10.0.145.7/24']],
    found: ['host-bits-set network.clientNetworks[0]'],
  },
  'range-reversed': {
    edits: [['10.0.145.130-10.0.145.149', '10.0.145.149-10.0.145.130']],
    found: ['range-reversed network.addressPool'],
  },
  'outside-pool': {
    edits: [['master: 10.0.145.135', 'master: 10.0.145.150']],
    found: ['outside-pool network.addresses.master'],
  },
  'inside-pool': {
    edits: [['gl2: { address: 10.0.145.110', 'gl2: { address: 10.0.145.140']],
    found: ['inside-pool hosts.gl2.address'],
  },
  'outside-subnet': {
    edits: [['gl2: { address: 10.0.145.110', 'gl2: { address: 10.0.146.110']],
    found: ['outside-subnet hosts.gl2.address'],
  },
  'not-assignable': {
    edits: [['10.0.145.130-10.0.145.149', '10.0.145.130-10.0.145.255']],
    found: ['not-assignable network.addressPool'],
  },
  'address-taken': {
    edits: [['replicaPooler: 10.0.145.137', 'replicaPooler: 10.0.145.136']],
    found: ['address-taken network.addresses.replicaPooler'],
  },
  'open-to-the-world': {
    edits: [['    - 10.0.145.0/24', '    - 0.0.0.0/0']],
    found: ['open-to-the-world network.clientNetworks[0]'],
  },
  'network-twice': {
    edits: [['    - 10.0.145.0/24', '    - 10.0.145.0/24\n    - 10.0.145.64/26']],
    found: ['network-twice network.clientNetworks[1]'],
  },
  'networks-overlap': {
    edits: [['podNetwork: 10.42.0.0/16', 'podNetwork: 10.0.0.0/16']],
    found: ['networks-overlap network.podNetwork'],
  },
  'pod-network-size': {
    edits: [['podNetwork: 10.42.0.0/16', 'podNetwork: 10.42.0.0/24']],
    found: ['pod-network-size network.podNetwork'],
  },
  'no-server': {
    edits: [
      ['role: server, platform', 'role: agent, platform'],
      ['role: server, platform', 'role: agent, platform'],
    ],
    found: ['no-server hosts'],
  },
  'servers-for-etcd': {
    edits: [['profile: external-postgres', 'profile: embedded-etcd']],
    found: ['servers-for-etcd hosts'],
  },
  'one-services-host': {
    edits: [['role: services, platform', 'role: agent, platform']],
    found: ['one-services-host hosts'],
  },
  'longhorn-on-lxc': {
    edits: [['longhorn: false', 'longhorn: true']],
    found: ['longhorn-on-lxc addons.longhorn'],
  },
  'longhorn-not-installed': {
    edits: [['storageClass: local-path-retain', 'storageClass: longhorn']],
    found: ['longhorn-not-installed cluster.volume.storageClass'],
  },
  'smb-on-unprivileged-lxc': {
    edits: [['role: agent, platform: lxc-privileged', 'role: agent, platform: lxc-unprivileged']],
    found: ['smb-on-unprivileged-lxc addons.smb'],
  },
  'charts-without-directory': {
    edits: [['source: repository', 'source: directory']],
    found: ['charts-without-directory charts.directory'],
  },
  'charts-directory-unused': {
    edits: [['source: repository', 'source: repository\n  directory: charts']],
    found: ['charts-directory-unused charts.directory'],
  },
  'reserved-name': { edits: [['user: bauer', 'user: postgres']], found: ['reserved-name cluster.user'] },
  'too-few-for-instances': {
    edits: [['max_wal_senders: 16', 'max_wal_senders: 7']],
    found: ['too-few-for-instances cluster.parameters.max_wal_senders'],
  },
  'memory-short': {
    edits: [
      ['requests: { cpu: 250m, memory: 512Mi }', 'requests: { cpu: 250m, memory: 1Gi }'],
      ['instances: 3', 'instances: 6'],
    ],
    found: ['memory-short cluster.instances'],
  },
  'cpu-short': {
    edits: [
      ['requests: { cpu: 250m, memory: 512Mi }', 'requests: { cpu: "1", memory: 512Mi }'],
      ['instances: 3', 'instances: 6'],
    ],
    found: ['cpu-short cluster.instances'],
  },
  'request-over-limit': {
    edits: [['limits: { cpu: 500m, memory: 128Mi }', 'limits: { cpu: 50m, memory: 128Mi }']],
    found: ['request-over-limit cluster.pooler.resources.requests.cpu'],
  },
  'nobody-to-confirm': {
    edits: [['instances: 3', 'instances: 1']],
    found: ['nobody-to-confirm cluster.patroni.synchronousNodes'],
  },
  'strict-without-synchronous': {
    edits: [
      ['synchronous: true', 'synchronous: false'],
      ['strictlySynchronous: false', 'strictlySynchronous: true'],
    ],
    found: ['strict-without-synchronous cluster.patroni.strictlySynchronous'],
  },
  'patroni-timing': {
    edits: [['ttlSeconds: 30', 'ttlSeconds: 29']],
    found: ['patroni-timing cluster.patroni.ttlSeconds'],
  },
  'pooler-over-connections': {
    edits: [['maxDbConnections: 60', 'maxDbConnections: 181']],
    found: ['pooler-over-connections cluster.pooler.maxDbConnections'],
  },
  'setting-not-yours': {
    edits: [['max_connections: 200', 'max_connections: 200\n    wal_level: logical']],
    found: ['setting-not-yours cluster.parameters.wal_level'],
  },
  'failover-before-ttl': {
    edits: [['failoverMs: 60000', 'failoverMs: 30000']],
    found: ['failover-before-ttl limits.failoverMs'],
  },
  'setting-unsafe': {
    edits: [['max_connections: 200', 'max_connections: 200\n    synchronous_commit: off']],
    found: ['setting-unsafe cluster.parameters.synchronous_commit'],
  },
};

describe('a lab.yaml', () => {
  it('is right as it is shipped, in both profiles', () => {
    expect(problemsOf(SHIPPED)).toEqual([]);
    expect(problemsOf(EMBEDDED)).toEqual([]);
  });

  it.each(Object.entries(MISTAKES))(
    'with the mistake %s is refused for that, and nothing else',
    (_, { edits, found }) => {
      expect(problemsOf(edited(...edits)).map(summary)).toEqual(found);
    },
  );

  it('shows all mistakes at once, in the order of the file, each with its line', () => {
    const text = edited(
      ['instances: 3', 'instances: 20'],
      ['replica: 10.0.145.136', 'replica: 10.0.145.150'],
      ['longhorn: false', 'longhorn: true'],
    );
    const lines = text.split('\n');
    const found = problemsOf(text);
    expect(found.map(summary)).toEqual([
      'outside-pool network.addresses.replica',
      'memory-short cluster.instances',
      'cpu-short cluster.instances',
      'too-few-for-instances cluster.parameters.max_wal_senders',
      'too-few-for-instances cluster.parameters.max_replication_slots',
      'longhorn-on-lxc addons.longhorn',
    ]);
    for (const { line = 0, path } of found) expect(lines[line - 1]).toContain(`${path.at(-1)}:`);
  });

  it('says with figures what is short', () => {
    const [memory] = problemsOf(edited(['instances: 3', 'instances: 20'])).filter(
      ({ code }) => code === 'memory-short',
    );
    const line = SHIPPED.slice(0, SHIPPED.indexOf('instances: 3')).split('\n').length;
    expect(memory && describeProblem(memory, 'en', 'lab.yaml')).toBe(
      `lab.yaml:${line}: cluster.instances: memory is short on gl2: its share of 20 instances and 4 poolers requests 3.6 GiB, but 2 GiB of 4 GiB are free for them\n` +
        '    use fewer instances, request less, or add hosts',
    );
  });

  it('offers the nearest known key, and what the shipped lab has where a value is missing', () => {
    const described = problemsOf(edited(['ttlSeconds: 30', 'ttlSecond: 30'])).map((each) =>
      describeProblem(each, 'de', 'lab.yaml'),
    );
    expect(described[0]).toContain('in der mitgelieferten lab.yaml steht hier 30');
    expect(described[1]).toContain("ist 'ttlSeconds' gemeint?");
  });

  it('does not let the world in by halves', () => {
    const text = edited(['    - 10.0.145.0/24', '    - 0.0.0.0/1\n    - 128.0.0.0/1']);
    expect(problemsOf(text).map((each) => each.code)).toEqual(['open-to-the-world', 'open-to-the-world']);
  });

  it('does not stop at a key that is there twice', () => {
    const text = edited(
      ['  team: acid', '  team: acid\n  team: acid'],
      ['longhorn: false', 'longhorn: true'],
    );
    expect(problemsOf(text).map(summary)).toEqual(['key-twice team', 'longhorn-on-lxc addons.longhorn']);
  });

  it.each([
    ['nothing', '', 'not-a-map'],
    ['a tab', 'hosts:\n\tgl2: {}', 'syntax'],
    ['an open quote', "profile: 'external", 'syntax'],
    ['an alias to nowhere', 'profile: *x', 'syntax'],
    ['an alias that contains itself', 'hosts: &x { gl2: *x }', 'syntax'],
    ['two documents', 'profile: a\n---\nprofile: b', 'syntax'],
    ['bytes that are no text', '\u0000\u0001{[', 'not-a-map'],
  ])('that holds %s is refused', (_, text, code) => {
    expect(problemsOf(text).map((each) => each.code)).toContain(code);
  });

  it('goes on with the checks whose values can be read', () => {
    const text = edited(
      ['platform: lxc-privileged, cpus: 2, memory: 4Gi', 'platform: vmware, cpus: 2, memory: 4Gi'],
      ['addressPool: 10.0.145.130-10.0.145.149', 'addressPool: 10.0.145.130-10.0.145.136'],
    );
    expect(problemsOf(text).map(summary)).toEqual([
      'not-allowed hosts.gl2.platform',
      'outside-pool network.addresses.replicaPooler',
      'outside-pool network.addresses.masterPooler',
    ]);
  });

  it('never shows what stands where a secret belongs', () => {
    const secretPlaces: Edit[] = [
      ['superuser: generated', 'superuser: hunter2'],
      ['superuser: generated', 'superuser: { file: a, value: hunter2 }'],
      ['superuser: generated', 'superuser: { environment: "hunter2 " }'],
      ['superuser: generated', 'superuser: [hunter2]'],
      ['superuser: generated', 'superuser: generated\n  password: hunter2'],
      [
        'secrets:\n  superuser: generated\n  replication: generated\n  pooler: generated\n  user: generated',
        'secrets: hunter2',
      ],
      ['password: generated', 'password: hunter2'],
      ['authority: generated', 'authority: hunter2'],
      ['superuser: generated', "superuser: 'hunter2"],
      ['superuser: generated', 'superuser: hunter2: hunter2'],
      ['max_connections: 200', 'max_connections: hunter2'],
      ['max_connections: 200', 'max_connections: 200\n    primary_conninfo: password=hunter2'],
    ];
    for (const edit of secretPlaces)
      for (const language of ['de', 'en'] as const) {
        const described = problemsOf(edited(edit)).map((each) => describeProblem(each, language, 'lab.yaml'));
        expect(described, edit[1]).not.toEqual([]);
        expect(described.join('\n'), edit[1]).not.toContain('hunter2');
      }
  });

  it('accepts references to secrets in a file and in the environment', () => {
    expect(problemsOf(edited(['superuser: generated', 'superuser: { file: /etc/lab/superuser }']))).toEqual(
      [],
    );
    expect(problemsOf(edited(['superuser: generated', 'superuser: { environment: SUPERUSER }']))).toEqual([]);
  });

  it('is refused, never crashed on, whatever stands at any place', () => {
    const places = pathsIn(parse(SHIPPED));
    fc.assert(
      fc.property(fc.subarray(places, { minLength: 1, maxLength: 4 }), fc.jsonValue(), (paths, value) => {
        const lab: unknown = parse(SHIPPED);
        for (const path of paths) put(lab, path, structuredClone(value));
        const examined = examineLab(stringify(lab, { aliasDuplicateObjects: false }), SHIPPED);
        if (examined.ok) return;
        expect(examined.problems.length).toBeGreaterThan(0);
        for (const each of examined.problems) {
          expect(describeProblem(each, 'de', 'lab.yaml')).not.toMatch(/undefined|\[object/);
          expect(describeProblem(each, 'en', 'lab.yaml')).not.toMatch(/undefined|\[object/);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('the texts', () => {
  it('exist for the same problems in both languages', () => {
    expect(Object.keys(TEXTS_DE).toSorted()).toEqual(Object.keys(TEXTS_EN).toSorted());
    expect(Object.keys(MISTAKES).toSorted()).toEqual(Object.keys(TEXTS_EN).toSorted());
  });

  it('differ between the languages, and bear a remedy', () => {
    for (const { edits } of Object.values(MISTAKES))
      for (const found of problemsOf(edited(...edits))) {
        const [german, english] = [describeProblem(found, 'de', 'f'), describeProblem(found, 'en', 'f')];
        expect(german).not.toBe(english);
        expect(german).toMatch(/\n {4}\S/);
        expect(english).toMatch(/\n {4}\S/);
      }
  });
});

type Place = readonly (string | number)[];

function pathsIn(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inner = Object.entries(value).flatMap(([key, each]) => pathsIn(each, [...at, key]));
  return at.length === 0 ? inner : [at, ...inner];
}

function put(root: unknown, path: Place, value: unknown): void {
  let holder = root;
  for (const part of path.slice(0, -1)) {
    if (typeof holder !== 'object' || holder === null) return;
    holder = (holder as Record<string, unknown>)[part];
  }
  if (typeof holder === 'object' && holder !== null)
    (holder as Record<string, unknown>)[path.at(-1) ?? ''] = value;
}
