import type { Lab } from '../config/lab.ts';
import type { SecretReference } from '../config/secret-reference.ts';
import { ownLabels, SOURCES_ANNOTATION, tlsSecretName } from './manifest.ts';
import type { Manifest, SecretSource } from './manifest.ts';

interface SecretSpec {
  readonly name: string;
  readonly type: 'Opaque' | 'kubernetes.io/tls';
  readonly labels?: Record<string, string>;
  /** What is no secret, and may be read by anybody. */
  readonly plain?: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, SecretSource>>;
}

export function secret(lab: Lab, { name, type, labels = {}, plain, values }: SecretSpec): Manifest {
  const sources = Object.entries(values).map(([key, source]) => `${key}: ${sourceText(source)}`);
  return {
    object: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace: lab.cluster.namespace,
        labels: { ...ownLabels(lab), ...labels },
        annotations: { [SOURCES_ANNOTATION]: sources.join(', ') },
      },
      type,
      ...(plain === undefined ? {} : { data: encoded(plain) }),
    },
    secretValues: values,
  };
}

export function sourceOf(reference: SecretReference): SecretSource {
  if (reference === 'generated') return { from: 'generated' };
  return 'file' in reference
    ? { from: 'file', path: reference.file }
    : { from: 'environment', variable: reference.environment };
}

/**
 * The passwords of the database's roles, under the names that the operator looks for. It takes a Secret that is there
 * already and sets its password in the database, so these come before the cluster.
 */
export function credentials(lab: Lab): Manifest[] {
  const { secrets, cluster } = lab;
  const roles = [
    { role: 'postgres', reference: secrets.superuser },
    { role: 'standby', reference: secrets.replication },
    { role: 'pooler', reference: secrets.pooler },
    { role: cluster.user, reference: secrets.user },
  ];
  return roles.map(({ role, reference }) =>
    secret(lab, {
      name: credentialsName(lab, role),
      type: 'Opaque',
      labels: { application: 'spilo', 'cluster-name': cluster.name, team: cluster.team },
      plain: { username: role },
      values: { password: sourceOf(reference) },
    }),
  );
}

export function credentialsName({ cluster: { name } }: Lab, role: string): string {
  return `${role.replaceAll('_', '-')}.${name}.credentials.postgresql.acid.zalan.do`;
}

export function authoritySecretName({ cluster: { name } }: Lab): string {
  return `${name}-ca`;
}

/** The certificate that servers and poolers show, and the authority where it is ours. */
export function certificates(lab: Lab): Manifest[] {
  const pair = secret(lab, {
    name: tlsSecretName(lab),
    type: 'kubernetes.io/tls',
    values: {
      'ca.crt': { from: 'certificate', part: 'authority' },
      'tls.crt': { from: 'certificate', part: 'certificate' },
      'tls.key': { from: 'certificate', part: 'key' },
    },
  });
  if (lab.tls.authority !== 'generated') return [pair];
  const authority = secret(lab, {
    name: authoritySecretName(lab),
    type: 'kubernetes.io/tls',
    values: {
      'tls.crt': { from: 'certificate', part: 'authority' },
      'tls.key': { from: 'certificate', part: 'authority-key' },
    },
  });
  return [authority, pair];
}

function encoded(plain: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(plain).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
}

function sourceText(source: SecretSource): string {
  if (source.from === 'file') return `file ${source.path}`;
  if (source.from === 'environment') return `environment ${source.variable}`;
  return source.from === 'certificate' ? `certificate (${source.part})` : 'generated';
}
