import type { DeleteOptions, Propagation } from '../api/delete.ts';
import type { WriteOptions } from '../api/ground.ts';
import type { ListQuery } from '../api/list.ts';
import { invalid } from '../objects/api-error.ts';
import { at, isRecord, numberAt, textAt } from '../objects/json.ts';

export function listQuery(query: URLSearchParams): ListQuery {
  const limit = query.get('limit');
  return {
    labelSelector: query.get('labelSelector') ?? undefined,
    fieldSelector: query.get('fieldSelector') ?? undefined,
    limit: limit === null ? undefined : Number(limit),
    continue: query.get('continue') ?? undefined,
    resourceVersion: query.get('resourceVersion') ?? undefined,
  };
}

/** @param userAgent - names the manager where the client names none, as in `kubectl/v1.36`. */
export function writeOptions(
  query: URLSearchParams,
  userAgent: string,
  warn: (warning: string) => void,
  kind: string,
): WriteOptions {
  const fieldValidation = query.get('fieldValidation') ?? 'Warn';
  if (fieldValidation !== 'Strict' && fieldValidation !== 'Warn' && fieldValidation !== 'Ignore') {
    throw notSupported(kind, 'fieldValidation', fieldValidation, ['Ignore', 'Strict', 'Warn']);
  }
  return {
    manager: query.get('fieldManager') ?? (userAgent.split('/')[0] || 'unknown'),
    dryRun: isDryRun(query.getAll('dryRun'), kind),
    fieldValidation,
    warn,
  };
}

function isDryRun(values: readonly string[], kind: string): boolean {
  const wrong = values.find((value) => value !== 'All' && value !== '');
  if (wrong !== undefined) throw notSupported(kind, 'dryRun', wrong, ['All']);
  return values.includes('All');
}

function notSupported(kind: string, field: string, value: string, allowed: readonly string[]): Error {
  const list = allowed.map((each) => JSON.stringify(each)).join(', ');
  return invalid({ group: 'meta.k8s.io', kind }, '', [
    {
      reason: 'FieldValueNotSupported',
      field,
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`,
    },
  ]);
}

/** DeleteOptions come as a body or in the query. */
export function deleteOptions(query: URLSearchParams, body: unknown): DeleteOptions {
  const policy = textAt(body, 'propagationPolicy') ?? query.get('propagationPolicy') ?? undefined;
  const orphan = at(body, 'orphanDependents') ?? query.get('orphanDependents');
  if (policy !== undefined && !['Background', 'Foreground', 'Orphan'].includes(policy)) {
    throw notSupported('DeleteOptions', 'propagationPolicy', policy, ['Background', 'Foreground', 'Orphan']);
  }
  const inBody = at(body, 'dryRun');
  const grace =
    numberAt(body, 'gracePeriodSeconds') ??
    (query.has('gracePeriodSeconds') ? Number(query.get('gracePeriodSeconds')) : undefined);
  const preconditions = at(body, 'preconditions');
  return {
    propagationPolicy:
      (policy as Propagation | undefined) ?? (orphan === true || orphan === 'true' ? 'Orphan' : undefined),
    dryRun: isDryRun(
      [...query.getAll('dryRun'), ...(Array.isArray(inBody) ? inBody.map(String) : [])],
      'DeleteOptions',
    ),
    gracePeriodSeconds: grace,
    preconditions: isRecord(preconditions) ? preconditions : undefined,
  };
}
