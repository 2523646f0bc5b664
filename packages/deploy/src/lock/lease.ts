import { valueAt } from '../kube/live-object.ts';
import type { LiveObject } from '../kube/live-object.ts';
import type { Resource } from '../kube/resource.ts';
import type { Holder } from './holder.ts';

/** One for a whole cluster: labs share its charts. The namespace is in every cluster, before anything of ours. */
export const LEASE: Resource & { readonly kind: 'Lease' } = {
  kind: 'Lease',
  namespace: 'kube-system',
  name: 'schooldb-deploy',
};
const PROCESS_ANNOTATION = 'schooldb/process';

/** What the Lease says. Instants in milliseconds since 1970, as the API server counts them. */
export interface LeaseRecord {
  readonly holder: Holder;
  readonly acquiredMs: number;
  readonly renewedMs: number;
  readonly durationMs: number;
  /** How often it has gone from one holder to another. */
  readonly transitions: number;
}

export function leaseObject(record: LeaseRecord, resourceVersion?: string): object {
  const { holder, acquiredMs, renewedMs, durationMs, transitions } = record;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: LEASE.name,
      namespace: LEASE.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'schooldb-deploy' },
      ...(holder.process === undefined ? {} : { annotations: { [PROCESS_ANNOTATION]: holder.process } }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    spec: {
      holderIdentity: holder.identity,
      acquireTime: microTime(acquiredMs),
      renewTime: microTime(renewedMs),
      leaseDurationSeconds: Math.ceil(durationMs / 1_000),
      leaseTransitions: transitions,
    },
  };
}

export function leaseRecord(lease: LiveObject): LeaseRecord {
  const text = (field: string) => {
    const value = valueAt(lease, 'spec', field);
    return typeof value === 'string' ? value : '';
  };
  const number = (field: string) => Number(valueAt(lease, 'spec', field) ?? 0);
  const instant = (field: string) => {
    const parsed = Date.parse(text(field));
    // Without a time it is as old as can be.
    return Number.isFinite(parsed) ? parsed : 0;
  };
  return {
    holder: {
      identity: text('holderIdentity'),
      process: lease.metadata.annotations?.[PROCESS_ANNOTATION],
    },
    acquiredMs: instant('acquireTime'),
    renewedMs: instant('renewTime'),
    durationMs: number('leaseDurationSeconds') * 1_000,
    transitions: number('leaseTransitions'),
  };
}

/** Six digits after the second, or the server cannot read it. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
