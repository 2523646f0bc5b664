import { randomBytes } from 'node:crypto';
import type { Manifest } from '../manifests/manifest.ts';
import type { Kube } from '../manifests/schema/kinds.ts';

/** 192 bits, in letters that need no quoting in a connection string, a shell or an SMB mount option. */
export function generatePassword(): string {
  return randomBytes(24).toString('base64url');
}

/**
 * The Secret as it is sent: the one moment at which an object holds its values.
 *
 * @param values - one for each key that the manifest wants, and no others.
 * @throws TypeError that names the keys, never the values.
 */
export function filledSecret(
  { object, secretValues = {} }: Manifest,
  values: Readonly<Record<string, string>>,
): Kube<'Secret'> {
  const { name } = object.metadata;
  if (object.kind !== 'Secret') throw new TypeError(`${object.kind} ${name} is no Secret`);
  const wanted = Object.keys(secretValues);
  const empty = wanted.filter((key) => (values[key] ?? '') === '');
  const foreign = Object.keys(values).filter((key) => !wanted.includes(key));
  if (empty.length > 0) throw new TypeError(`Secret ${name} has no value for ${empty.join(', ')}`);
  if (foreign.length > 0) throw new TypeError(`Secret ${name} has no place for ${foreign.join(', ')}`);
  const encoded = wanted.map((key) => [key, Buffer.from(values[key] ?? '').toString('base64')]);
  return { ...object, data: { ...object.data, ...(Object.fromEntries(encoded) as Record<string, string>) } };
}
