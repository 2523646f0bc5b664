/** A mistake in a lab.yaml, in no language yet: texts-de.ts and texts-en.ts put it into words. */
export type Path = readonly (string | number)[];

export interface Problem<Code extends ProblemCode = ProblemCode> {
  readonly code: Code;
  readonly path: Path;
  /** In the file, counted from 1; where it is known. */
  readonly line?: number;
  readonly details: ProblemDetails[Code];
}

export type ProblemCode = keyof ProblemDetails;

/** `given` is what the file has, ready to be shown; for secrets there is none. */
export interface ProblemDetails {
  // The file
  syntax: { reason: SyntaxReason };
  'key-twice': Nothing;
  'not-a-map': Nothing;
  // One value
  /** `shipped` is what the lab.yaml that comes with this package has there, where that is a single value. */
  missing: { shipped: string | undefined };
  empty: Nothing;
  'wrong-type': { given: string | undefined; expected: ExpectedType };
  'unknown-key': { nearest: string | undefined; allowed: readonly string[] };
  'not-allowed': { given: string | undefined; allowed: readonly string[] };
  'out-of-bounds': { given: string | undefined; least: string | undefined; most: string | undefined };
  'too-long': { given: string | undefined; most: number; length: number };
  'empty-list': Nothing;
  'not-an-address': Given;
  'not-a-network': Given;
  'not-a-range': Given;
  'not-a-memory': Given;
  'not-a-cpu': Given;
  'not-a-label': Given;
  'not-a-cluster-name': Given;
  'not-a-role': Given;
  'not-a-path': Given;
  'not-a-line': Given;
  'not-a-share': Given;
  'not-a-window': Given;
  'not-a-setting': Nothing;
  'not-a-secret-reference': Nothing;
  'not-an-authority-reference': Nothing;
  // Several values together
  'host-bits-set': { given: string; network: string };
  'range-reversed': { given: string };
  'outside-pool': { given: string; pool: string };
  'inside-pool': { given: string; pool: string };
  'outside-subnet': { given: string; subnet: string };
  'not-assignable': { given: string; subnet: string };
  'address-taken': { given: string; by: string };
  'open-to-the-world': { given: string; subnet: string | undefined };
  'network-twice': { given: string; by: string };
  'networks-overlap': { given: string; other: string; by: string };
  'pod-network-size': { given: string; least: number; most: number };
  'no-server': Nothing;
  'servers-for-etcd': { count: number };
  'one-services-host': { count: number };
  'longhorn-on-lxc': { hosts: readonly string[] };
  'longhorn-not-installed': Nothing;
  'smb-on-unprivileged-lxc': { hosts: readonly string[] };
  'charts-without-directory': Nothing;
  'charts-directory-unused': Nothing;
  'reserved-name': { given: string; reserved: readonly string[] };
  'too-few-for-instances': { given: number; needed: number; instances: number };
  'memory-short': Shortage;
  'cpu-short': Shortage;
  'request-over-limit': { given: string; limit: string };
  'nobody-to-confirm': { given: number; instances: number };
  'strict-without-synchronous': Nothing;
  'patroni-timing': { ttl: number; loopWait: number; retryTimeout: number };
  'pooler-over-connections': { given: number; most: number; maxConnections: number };
  'setting-not-yours': { setting: string };
  'failover-before-ttl': { given: number; ttlSeconds: number };
  'setting-unsafe': { setting: string; given: string; safe: string };
}

/** What is wrong, and what to do: one language's words for every problem. */
export type Texts = {
  readonly [Code in ProblemCode]: (details: ProblemDetails[Code]) => readonly [wrong: string, remedy: string];
};

/** What YAML itself finds wrong, as far as it is told apart. */
export type SyntaxReason = 'tab' | 'indentation' | 'unfinished' | 'documents' | 'alias' | 'other';

export type ExpectedType = 'text' | 'number' | 'whole-number' | 'boolean' | 'list' | 'map';

type Nothing = Readonly<Record<string, never>>;

interface Given {
  given: string | undefined;
}

interface Shortage {
  host: string;
  instances: number;
  poolers: number;
  needed: string;
  free: string;
  has: string;
}

export function problem<Code extends ProblemCode>(
  code: Code,
  path: Path,
  details: ProblemDetails[Code],
): Problem {
  return { code, path, details };
}

/** `hosts.gl2.address`, `network.clientNetworks[0]`. */
export function pathText(path: Path): string {
  return path
    .map((part) =>
      typeof part === 'number' ? `[${part}]` : `.${/^[^\s.[\]]+$/.test(part) ? part : JSON.stringify(part)}`,
    )
    .join('')
    .replace(/^\./, '');
}

/** How a value of the file is shown: on one line, and not all of a long one. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
