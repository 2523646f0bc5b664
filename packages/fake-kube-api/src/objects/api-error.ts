import type { JsonObject } from './json.ts';

export interface StatusCause {
  readonly reason?: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** A resource as error messages name it: `deployments.apps`, `services`. */
export interface NamedResource {
  readonly group: string;
  readonly plural: string;
}

/** An answer other than success: becomes a Status object, or the plain text that some paths of the real server send. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  /** Empty where the real server sends none, as with a patch that does not fit its type. */
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  /** Sent as it is, instead of a Status. */
  readonly plainText: string | undefined;

  constructor(
    code: number,
    reason: string,
    message: string,
    { details, plainText }: { details?: StatusDetails | undefined; plainText?: string } = {},
  ) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.plainText = plainText;
  }

  toStatus(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

export function qualified({ group, plural }: NamedResource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function detailsOf({ group, plural }: NamedResource, name: string): StatusDetails {
  return { name, ...(group === '' ? {} : { group }), kind: plural };
}

/** No such path: the real server answers plain text here, which is not JSON. */
export function pathNotFound(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {
    plainText: '404 page not found\n',
  });
}

export function notFound(resource: NamedResource, name: string): ApiError {
  const message = `${qualified(resource)} ${JSON.stringify(name)} not found`;
  return new ApiError(404, 'NotFound', message, { details: detailsOf(resource, name) });
}

export function alreadyExists(resource: NamedResource, name: string): ApiError {
  const message = `${qualified(resource)} ${JSON.stringify(name)} already exists`;
  return new ApiError(409, 'AlreadyExists', message, { details: detailsOf(resource, name) });
}

export function conflict(resource: NamedResource, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} ${JSON.stringify(name)}: ${why}`;
  return new ApiError(409, 'Conflict', message, { details: detailsOf(resource, name) });
}

export function modifiedMeanwhile(resource: NamedResource, name: string): ApiError {
  const why = 'the object has been modified; please apply your changes to the latest version and try again';
  return conflict(resource, name, why);
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

export function methodNotAllowed(): ApiError {
  return new ApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {
      details: {},
    },
  );
}

export function unsupportedMediaType(allowed: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${allowed.join(', ')}`;
  return new ApiError(415, 'UnsupportedMediaType', message);
}

export function forbidden(
  resource: NamedResource,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
): ApiError {
  const message = `${qualified(resource)} ${JSON.stringify(name)} is forbidden: ${why}`;
  const details = { ...detailsOf(resource, name), ...(causes === undefined ? {} : { causes }) };
  return new ApiError(403, 'Forbidden', message, { details });
}

export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message);
}

/** One finding of a validation, as the real server lists it among the causes. */
export interface FieldProblem {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueTypeInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueTooMany'
    | 'FieldValueTooLong';
  readonly field: string;
  /** Without the field's name, e.g. `Required value`. */
  readonly message: string;
}

/** 422: the kind is named as in `postgresql.acid.zalan.do "x" is invalid`. */
export function invalid(
  { group, kind }: { group: string; kind: string },
  name: string,
  problems: readonly FieldProblem[],
): ApiError {
  const lines = problems.map(({ field, message }) => `${field}: ${message}`);
  const list = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  const qualifiedKind = group === '' ? kind : `${kind}.${group}`;
  return new ApiError(422, 'Invalid', `${qualifiedKind} ${JSON.stringify(name)} is invalid: ${list}`, {
    details: {
      name,
      ...(group === '' ? {} : { group }),
      kind,
      causes: problems.map(({ reason, message, field }) => ({ reason, message, field })),
    },
  });
}
