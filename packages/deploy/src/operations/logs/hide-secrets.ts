/** What must not be seen of a log: PostgreSQL writes down statements, and a statement may set a password. */
import type { Lab } from '../../config/lab.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import { valueAt } from '../../kube/live-object.ts';
import type { LiveObject } from '../../kube/live-object.ts';
import { databaseLabels, ownLabels } from '../../manifests/manifest.ts';
import { isLabelled } from '../members.ts';

export const HIDDEN = '(hidden)';

/** Names are no secrets, and certificates are shown to everybody. */
const PUBLIC_KEY = /^(?:user(?:name)?|.*\.crt)$/;
/** Of one that has several lines; a shorter one says nothing of it, and stands in many a word. */
const SHORTEST_LINE = 8;

/** Puts `(hidden)` where a value stands. */
export type Hide = (line: string) => string;

/**
 * @param namespace - of the pods; all Secrets beside them are taken for secrets where the namespace is not the database's,
 * which others may share.
 * @throws DeployError where they may not be read: then nothing can be shown.
 */
export async function readHide(kube: KubeApi, lab: Lab, namespace: string): Promise<Hide> {
  const own = await kube.list('Secret', lab.cluster.namespace);
  const beside = namespace === lab.cluster.namespace ? [] : await kube.list('Secret', namespace);
  const isOurs = (each: LiveObject) =>
    isLabelled(each, databaseLabels(lab)) || isLabelled(each, ownLabels(lab));
  return hiding([...own.filter(isOurs), ...beside.filter((each) => !isRelease(each))].flatMap(valuesOf));
}

/** Pure. */
export function hiding(values: readonly string[]): Hide {
  const shown = [
    ...new Set(values.flatMap((value) => [...partsOf(value).flatMap(spellingsOf), base64(value)])),
  ]
    .filter((each) => each !== '')
    // Or the end of a longer one would stay.
    .toSorted((a, b) => b.length - a.length);
  return (line) => shown.reduce((text, value) => text.replaceAll(value, HIDDEN), line);
}

/** What Helm has installed, packed: large, and no part of any line. */
function isRelease(secret: LiveObject): boolean {
  return secret['type'] === 'helm.sh/release.v1';
}

function valuesOf(secret: LiveObject): string[] {
  const data = Object.entries((valueAt(secret, 'data') ?? {}) as Record<string, string>);
  return data
    .filter(([key]) => !PUBLIC_KEY.test(key))
    .map(([, value]) => Buffer.from(value, 'base64').toString());
}

/** A log has lines: a key's are hidden one by one. */
function partsOf(value: string): string[] {
  const lines = value.trim().split(/\r?\n/);
  if (lines.length === 1) return lines;
  return lines.filter((line) => line.length >= SHORTEST_LINE && !line.startsWith('-----'));
}

/** As it stands in a Secret, whole: a key's lines cannot be told apart there. */
function base64(value: string): string {
  return Buffer.from(value).toString('base64');
}

/** As it is, in SQL, in JSON, in an address, in base64. */
function spellingsOf(value: string): string[] {
  return [
    value,
    value.replaceAll("'", "''"),
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value.toWellFormed()),
    base64(value),
  ];
}
