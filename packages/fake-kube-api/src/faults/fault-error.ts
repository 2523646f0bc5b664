import { ApiError } from '../objects/api-error.ts';
import type { FaultEffect } from './fault-book.ts';

const STATUSES = {
  409: [
    'Conflict',
    'Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again',
  ],
  410: ['Expired', 'The resourceVersion for the provided watch is too old.'],
  429: ['TooManyRequests', 'Too many requests, please try again later.'],
  500: ['InternalError', 'Internal error occurred: etcdserver: request timed out'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'Timeout: request did not complete within the allotted timeout'],
} as const;

/** The error that a fault answers with; undefined for those that do not answer. */
export function faultError(effect: FaultEffect): ApiError | undefined {
  if (effect.kind === 'webhook-refused') return webhookRefused(effect.webhook, effect.url);
  if (effect.kind !== 'status') return undefined;
  const [reason, message] = STATUSES[effect.code];
  const details =
    effect.retryAfterSeconds === undefined ? undefined : { retryAfterSeconds: effect.retryAfterSeconds };
  return new ApiError(effect.code, reason, effect.message ?? message, { details });
}

/** As the server words it when a webhook's service has no endpoint that listens. */
export function webhookRefused(webhook: string, url: string): ApiError {
  const { hostname, port } = new URL(url);
  const why = `failed calling webhook ${JSON.stringify(webhook)}: failed to call webhook: Post ${JSON.stringify(url)}: dial tcp ${hostname}:${port === '' ? '443' : port}: connect: connection refused`;
  return new ApiError(500, 'InternalError', `Internal error occurred: ${why}`, {
    details: { causes: [{ message: why }] },
  });
}
