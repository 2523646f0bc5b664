import type { ExpectedType, SyntaxReason, Texts } from './problem.ts';

const TYPES: Record<ExpectedType, string> = {
  text: 'a text',
  number: 'a number',
  'whole-number': 'a whole number',
  boolean: 'true or false',
  list: 'a list',
  map: 'a map of keys and values',
};
const REASONS: Record<SyntaxReason, readonly [wrong: string, remedy: string]> = {
  tab: ['a tab is used for indentation', 'indent with spaces'],
  indentation: [
    'the indentation does not fit what is around it',
    'put what belongs together at the same depth',
  ],
  unfinished: ['a quote, bracket, colon or comma is missing here or on a line before', 'add it'],
  documents: ['the file holds several documents', 'keep one, without lines of ---'],
  alias: ['an alias leads nowhere, or to itself', 'write the value itself'],
  other: ['it cannot be read from here on', 'compare this line with the shipped lab.yaml'],
};
const REFERENCES = 'generated, { file: PATH } or { environment: VARIABLE }';
const isNot = (given: string | undefined, what: string) => `${given ?? 'the value'} is not ${what}`;

export const TEXTS_EN: Texts = {
  syntax: ({ reason }) => [`not readable as YAML: ${REASONS[reason][0]}`, REASONS[reason][1]],
  'key-twice': () => ['is there twice', 'delete one of them'],
  'not-a-map': () => [
    'the file is not a map of keys and values',
    'start from the lab.yaml that is shipped with this package',
  ],
  missing: ({ shipped }) => [
    'is missing',
    shipped === undefined
      ? 'copy it from the lab.yaml that is shipped with this package'
      : `add it; the shipped lab.yaml has ${shipped} here`,
  ],
  empty: () => ['has no value', 'give one, or delete the line where it may be left out'],
  'wrong-type': ({ given, expected }) => [isNot(given, TYPES[expected]), `give ${TYPES[expected]}`],
  'unknown-key': ({ nearest, allowed }) => [
    `is not known here${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
    `allowed: ${allowed.join(', ')}`,
  ],
  'not-allowed': ({ given, allowed }) => [
    `${given ?? 'the value'} is not allowed`,
    `give one of ${allowed.join(', ')}`,
  ],
  'out-of-bounds': ({ given, least, most }) => [
    `${given ?? 'the value'} is out of bounds`,
    [least === undefined ? '' : `at least ${least}`, most === undefined ? '' : `at most ${most}`]
      .filter(Boolean)
      .join(', '),
  ],
  'too-long': ({ given, length, most }) => [
    `${given ?? 'the value'} has ${length} characters`,
    `use ${most} at most: the operator makes longer names from it, which Kubernetes would refuse`,
  ],
  'empty-list': () => ['is an empty list', 'give one entry at least'],
  'not-an-address': ({ given }) => [isNot(given, 'an IPv4 address'), 'write it as 10.0.145.135'],
  'not-a-network': ({ given }) => [isNot(given, 'an IPv4 network'), 'write it as 10.0.145.0/24'],
  'not-a-range': ({ given }) => [
    isNot(given, 'a range of IPv4 addresses'),
    'write it as 10.0.145.130-10.0.145.149',
  ],
  'not-a-memory': ({ given }) => [isNot(given, 'an amount of memory'), 'write it as 512Mi or 10Gi'],
  'not-a-cpu': ({ given }) => [
    isNot(given, 'an amount of CPU'),
    "write it as 250m (a quarter) or, in quotes, '1'",
  ],
  'not-a-label': ({ given }) => [
    isNot(given, 'a name that Kubernetes accepts'),
    'use a-z, 0-9 and hyphens inside, 63 characters at most',
  ],
  'not-a-cluster-name': ({ given }) => [
    isNot(given, 'a cluster name that the operator accepts'),
    'begin with a-z, then a-z, 0-9 and hyphens, no hyphen at the end',
  ],
  'not-a-role': ({ given }) => [
    isNot(given, 'a name that the operator accepts for roles and databases'),
    'begin with a-z, then a-z, 0-9, hyphens and underscores inside, 63 characters at most',
  ],
  'not-a-path': ({ given }) => [isNot(given, 'a path'), 'give the path of a folder on one line'],
  'not-a-line': ({ given }) => [isNot(given, 'a user name'), 'give one line without commas'],
  'not-a-share': ({ given }) => [isNot(given, 'an SMB share'), 'write it as //10.0.145.113/backups'],
  'not-a-window': ({ given }) => [
    isNot(given, 'a maintenance window'),
    'write it as Sun:01:00-04:00, in UTC',
  ],
  'not-a-setting': () => [
    'is not a value for a setting of PostgreSQL',
    'give a number, true, false or a text on one line',
  ],
  'not-a-secret-reference': () => [
    'is not a reference to a secret (what was given is not shown)',
    `write ${REFERENCES}; a lab never holds a secret itself, and one that stood here should be changed`,
  ],
  'not-an-authority-reference': () => [
    'is not a reference to an authority (what was given is not shown)',
    'write generated or { certificateFile: PATH, keyFile: PATH }',
  ],
  'host-bits-set': ({ given, network }) => [
    `${given} is an address in a network, not a network`,
    `write ${network}`,
  ],
  'range-reversed': ({ given }) => [
    `${given} ends before it begins`,
    'write the lower address first; MetalLB refuses this',
  ],
  'outside-pool': ({ given, pool }) => [
    `${given} lies outside of network.addressPool, ${pool}`,
    'choose an address of the pool, or widen the pool',
  ],
  'inside-pool': ({ given, pool }) => [
    `${given} lies in network.addressPool, ${pool}, which MetalLB gives to services`,
    'give the host another address, or the pool another range',
  ],
  'outside-subnet': ({ given, subnet }) => [
    `${given} lies outside of network.subnet, ${subnet}`,
    'choose one of the subnet: addresses are announced by ARP, which does not leave it',
  ],
  'not-assignable': ({ given, subnet }) => [
    `${given} includes the network's own or its broadcast address (${subnet})`,
    'choose addresses between them',
  ],
  'address-taken': ({ given, by }) => [
    `${given} is the address of ${by} already`,
    'give each its own address',
  ],
  'open-to-the-world': ({ given, subnet }) => [
    `${given} lets strangers in from all over the internet`,
    `name the networks of your clients${subnet === undefined ? '' : `, for example ${subnet}`}`,
  ],
  'network-twice': ({ given, by }) => [`${given} is covered by ${by} already`, 'delete one of them'],
  'networks-overlap': ({ given, other, by }) => [
    `${given} overlaps with ${by}, ${other}`,
    'choose one that is used nowhere else, or make the other one smaller',
  ],
  'pod-network-size': ({ given, least, most }) => [
    `${given} is not of a size that K3s can divide among nodes, each of which gets a /24`,
    `give one from /${least} to /${most}`,
  ],
  'no-server': () => ['none of the hosts is a server', 'give one host or more the role server'],
  'servers-for-etcd': ({ count }) => [
    `embedded-etcd with ${count} ${count === 1 ? 'server' : 'servers'}: etcd needs an odd number, three at least`,
    'make agents servers, or use the profile external-postgres',
  ],
  'one-services-host': ({ count }) => [
    `${count === 0 ? 'none of the hosts has' : `${count} hosts have`} the role services`,
    'give it to exactly one: it carries the API load balancer, the datastore of external-postgres and the backups',
  ],
  'longhorn-on-lxc': ({ hosts }) => [
    `Longhorn cannot run on LXC (${hosts.join(', ')}): it needs the kernel module iscsi_tcp and its own iscsid`,
    'set it to false and keep local-path-retain, or move these hosts to VMs',
  ],
  'longhorn-not-installed': () => [
    'longhorn is not installed',
    'set addons.longhorn to true, or use local-path-retain',
  ],
  'smb-on-unprivileged-lxc': ({ hosts }) => [
    `an unprivileged container cannot mount SMB (${hosts.join(', ')})`,
    'delete addons.smb, or make the containers privileged with features: mount=cifs',
  ],
  'charts-without-directory': () => [
    'is missing, and charts.source is directory',
    'name the folder that holds the charts',
  ],
  'charts-directory-unused': () => [
    'is not used, because charts.source is repository',
    'delete it, or set charts.source to directory',
  ],
  'reserved-name': ({ given, reserved }) => [
    `${given} is reserved`,
    `choose another name than ${reserved.join(', ')}`,
  ],
  'too-few-for-instances': ({ given, needed, instances }) => [
    `${given} is too few for ${instances} instances`,
    `set ${needed} or more: one for each, and 5 that stay free; the change needs a restart, so make it before adding instances`,
  ],
  'memory-short': (shortage) => short('memory', shortage),
  'cpu-short': (shortage) => short('CPU', shortage),
  'request-over-limit': ({ given, limit }) => [
    `${given} requested, but only ${limit} allowed`,
    'raise the limit or lower the request',
  ],
  'nobody-to-confirm': ({ given, instances }) => [
    `${given} synchronous ${given === 1 ? 'standby' : 'standbys'}, but ${instances - 1} of ${instances} instances can be one`,
    'add instances, lower synchronousNodes, or set synchronous to false and accept that a failover may lose writes',
  ],
  'strict-without-synchronous': () => [
    'is true while synchronous is false',
    'set synchronous to true, or this to false',
  ],
  'patroni-timing': ({ ttl, loopWait, retryTimeout }) => [
    `${ttl} is less than loopWaitSeconds + 2 × retryTimeoutSeconds = ${loopWait + 2 * retryTimeout}`,
    'raise ttlSeconds, or lower the others: the primary would lose its leadership while it still tries to keep it',
  ],
  'pooler-over-connections': ({ given, most, maxConnections }) => [
    `${given} connections of the pooler, of max_connections ${maxConnections}`,
    `set ${most} at most: 20 stay for replication, the operator, direct clients and superusers`,
  ],
  'setting-not-yours': ({ setting }) => [
    `${setting} is set by Patroni, by the operator or by this lab`,
    'delete it',
  ],
  'failover-before-ttl': ({ given, ttlSeconds }) => [
    `a failover within ${given} ms, while the lease of a dead primary lasts ${ttlSeconds} s`,
    `set more than ${ttlSeconds * 1_000}, or lower cluster.patroni.ttlSeconds`,
  ],
  'setting-unsafe': ({ setting, given, safe }) => [
    `${setting} = ${given} breaks what this cluster promises`,
    `use ${safe}, or delete the line`,
  ],
};

function short(
  what: string,
  { host, instances, poolers, needed, free, has }: Parameters<Texts['memory-short']>[0],
): readonly [string, string] {
  return [
    `${what} is short on ${host}: its share of ${instances} instances and ${poolers} poolers requests ${needed}, but ${free} of ${has} are free for them`,
    'use fewer instances, request less, or add hosts',
  ];
}
