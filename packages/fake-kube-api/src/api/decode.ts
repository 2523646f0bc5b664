import { badRequest, invalid, type FieldProblem } from '../objects/api-error.ts';
import { isRecord } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { normalize } from '../kinds/normalize.ts';
import { apiVersionOf, type ResourceType } from '../kinds/resource-type.ts';
import { applyDefaults, prune } from '../schema/walk-objects.ts';
import { validate } from '../schema/validate.ts';
import type { Target, WriteOptions } from './ground.ts';

/** What a client sent, as an object of its type: checked against the path, pruned or refused, defaulted. */
export function decode(body: unknown, target: Target, options: WriteOptions): KubeObject {
  const object = asObject(body, target);
  const { type } = target;
  assertTypes(object, type);
  const unknown: string[] = [];
  prune(object, type.schema, (path) => unknown.push(`unknown field ${JSON.stringify(path)}`));
  const { fieldValidation = 'Warn' } = options;
  if (unknown.length > 0 && fieldValidation === 'Strict') {
    throw badRequest(`${cannotHandle(type)}: strict decoding error: ${unknown.join(', ')}`);
  }
  if (fieldValidation === 'Warn') for (const each of unknown) options.warn?.(each);
  return complete(object, type);
}

/** As the server's own types would hold the object: what they do not know is gone, defaults are there. */
export function complete(object: KubeObject, type: ResourceType): KubeObject {
  const pruned = prune(object, type.schema);
  return applyDefaults(type.builtIn ? normalize(pruned, type.schema) : pruned, type.schema);
}

/** Checks apiVersion, kind, name and namespace of a body against its path, and fills in what is missing. */
export function asObject(body: unknown, { type, namespace, name }: Target): KubeObject {
  if (!isRecord(body)) throw badRequest(`${cannotHandle(type)}: couldn't get version/kind; json parse error`);
  const apiVersion = apiVersionOf(type);
  const { kind = type.kind, apiVersion: sentVersion = apiVersion } = body;
  if (sentVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${String(sentVersion)}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (kind !== type.kind) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${type.kind}): kind ${String(kind)} was sent`,
    );
  }
  const sent = isRecord(body['metadata']) ? body['metadata'] : {};
  if (
    type.namespaced &&
    sent['namespace'] !== undefined &&
    sent['namespace'] !== '' &&
    sent['namespace'] !== namespace
  ) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (name !== '' && sent['name'] !== undefined && sent['name'] !== name) {
    throw badRequest(
      `the name of the object (${JSON.stringify(sent['name'])}) does not match the name on the URL (${name})`,
    );
  }
  const { namespace: _, ...rest } = sent;
  const metadata = { ...rest, ...(type.namespaced ? { namespace } : {}), ...(name === '' ? {} : { name }) };
  return { ...body, apiVersion, kind: type.kind, metadata };
}

/** Built-in kinds are read into typed fields, which fails as a bad request; custom ones are validated later. */
function assertTypes(object: KubeObject, type: ResourceType): void {
  const wrong = validate(
    object,
    type.builtIn ? type.schema : { properties: { metadata: type.schema.properties?.['metadata'] ?? {} } },
  )
    .filter(({ reason }) => reason === 'FieldValueTypeInvalid')
    .filter(({ message }) => !message.startsWith('Invalid value: "null"'));
  const [first] = wrong;
  if (first === undefined) return;
  const [, wanted = '', actual = ''] = /must be of type ([a-z,]+): "([a-z]+)"/.exec(first.message) ?? [];
  const sent = { integer: 'number', boolean: 'bool' }[actual] ?? actual;
  const goType = { integer: 'int32', boolean: 'bool', array: '[]', object: 'map[string]' }[wanted] ?? wanted;
  throw badRequest(
    `${cannotHandle(type)}: json: cannot unmarshal ${sent} into Go struct field ${type.kind}.${first.field} of type ${goType}`,
  );
}

function cannotHandle({ kind, version }: ResourceType): string {
  return `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}`;
}

/** @throws ApiError 422 with all that is wrong. */
export function assertValid(object: KubeObject, type: ResourceType, problems: readonly FieldProblem[]): void {
  if (problems.length > 0) throw invalid(type, object.metadata.name ?? '', problems);
}
