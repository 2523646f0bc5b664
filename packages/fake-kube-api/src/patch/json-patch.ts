import { ApiError, badRequest } from '../objects/api-error.ts';
import { canonical, isRecord } from '../objects/json.ts';

/** RFC 6902. @throws ApiError 400 for a patch that is none, 422 where it does not fit the document. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    );
  }
  let result: unknown = structuredClone(document);
  for (const operation of patch) result = applyOperation(result, isRecord(operation) ? operation : {});
  return result;
}

function applyOperation(document: unknown, operation: Record<string, unknown>): unknown {
  const path = pointer(operation['path']);
  switch (operation['op']) {
    case 'add':
      return write(document, path, structuredClone(operation['value']), 'add');
    case 'replace':
      read(document, path, 'replace');
      return write(document, path, structuredClone(operation['value']), 'replace');
    case 'remove':
      return remove(document, path);
    case 'move': {
      const from = pointer(operation['from']);
      const value = read(document, from, 'move');
      return write(remove(document, from), path, value, 'add');
    }
    case 'copy':
      return write(
        document,
        path,
        structuredClone(read(document, pointer(operation['from']), 'copy')),
        'add',
      );
    case 'test':
      if (canonical(read(document, path, 'test')) === canonical(operation['value'])) return document;
      throw unprocessable(`testing value ${String(operation['path'])} failed`);
    default:
      throw unprocessable(`Unexpected kind: ${String(operation['op'])}`);
  }
}

function pointer(text: unknown): string[] {
  if (typeof text !== 'string') throw unprocessable('operation missing path field');
  return text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: unknown, path: readonly string[], operation: string): unknown {
  let found = document;
  for (const part of path) {
    const next: unknown = Array.isArray(found)
      ? (found as unknown[])[Number(part)]
      : isRecord(found)
        ? found[part]
        : undefined;
    if (next === undefined) throw missing(operation, path);
    found = next;
  }
  return found;
}

function write(
  document: unknown,
  path: readonly string[],
  value: unknown,
  operation: 'add' | 'replace',
): unknown {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(document, path.slice(0, -1), operation);
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw missing(operation, path);
    parent.splice(index, operation === 'add' ? 0 : 1, value);
  } else if (isRecord(parent)) parent[last] = value;
  else throw missing(operation, path);
  return document;
}

function remove(document: unknown, path: readonly string[]): unknown {
  read(document, path, 'remove');
  const parent = read(document, path.slice(0, -1), 'remove');
  const last = path.at(-1) ?? '';
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isRecord(parent)) delete parent[last];
  return document;
}

function missing(operation: string, path: readonly string[]): ApiError {
  return unprocessable(`${operation} operation does not apply: doc is missing path: /${path.join('/')}`);
}

/** The real server keeps its reason for its own log; here it is the error's cause. */
function unprocessable(why: string): ApiError {
  const error = new ApiError(
    422,
    'Invalid',
    'the server rejected our request due to an error in our request',
    {
      details: {},
    },
  );
  error.cause = why;
  return error;
}
