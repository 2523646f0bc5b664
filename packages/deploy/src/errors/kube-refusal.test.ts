import { expect, it } from 'vitest';
import { causeOf } from './kube-refusal.ts';

it.each([
  [401, 'Unauthorized', 'not-allowed'],
  [403, 'secrets is forbidden: User "pupil" cannot list resource "secrets"', 'not-allowed'],
  [403, 'admission webhook "a.metallb.io" denied the request: CIDR "10.0.145.130/32" overlaps', 'other'],
  [409, 'Operation cannot be fulfilled', 'contested'],
  [429, 'too many requests', 'server'],
  [500, 'etcdserver: request timed out', 'server'],
  [
    500,
    'Internal error occurred: failed calling webhook "a.metallb.io": connection refused',
    'webhook-silent',
  ],
  [500, 'failed to create typed patch object (x): .spec.a: field not declared in schema', 'other'],
  [422, 'spec.a: Invalid value', 'other'],
] as const)('a refusal by %i %s is taken for %s', (status, message, cause) => {
  expect(causeOf({ status, message })).toBe(cause);
});
