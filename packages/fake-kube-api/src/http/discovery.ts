import type { JsonObject } from '../objects/json.ts';
import { pathNotFound } from '../objects/api-error.ts';
import { apiVersionOf, type ResourceType } from '../kinds/resource-type.ts';

/** The version that the server gives itself out for. */
export const SERVER_VERSION = { major: '1', minor: '36', gitVersion: 'v1.36.2', platform: 'linux/amd64' };

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** GET /apis/GROUP/VERSION, and /api/v1. */
export function resourceList(types: readonly ResourceType[], group: string, version: string): JsonObject {
  const those = types.filter((type) => type.group === group && type.version === version);
  if (those.length === 0) throw pathNotFound();
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources: those.flatMap((type) => [resource(type), ...subresources(type)]),
  };
}

function resource({ plural, singular, namespaced, kind, shortNames, categories }: ResourceType): JsonObject {
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: VERBS,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
}

function subresources({ plural, kind, namespaced, statusSubresource, group }: ResourceType): JsonObject[] {
  const below = (name: string, verbs: readonly string[]) => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    kind,
    verbs,
  });
  return [
    ...(statusSubresource ? [below('status', ['get', 'patch', 'update'])] : []),
    ...(group === '' && plural === 'pods'
      ? [below('exec', ['create', 'get']), below('log', ['get']), below('portforward', ['create', 'get'])]
      : []),
  ];
}

/** GET /apis. */
export function groupList(types: readonly ResourceType[]): JsonObject {
  const groups = [...new Set(types.map(({ group }) => group))].filter((group) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((group) => groupEntry(types, group)) };
}

/** GET /apis/GROUP. */
export function group(types: readonly ResourceType[], name: string): JsonObject {
  if (name === '' || !types.some((type) => type.group === name)) throw pathNotFound();
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(types, name) };
}

function groupEntry(types: readonly ResourceType[], name: string): JsonObject {
  const versions = [...new Set(types.filter((type) => type.group === name).map(({ version }) => version))];
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}
