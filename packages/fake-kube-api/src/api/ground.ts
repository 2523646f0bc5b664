import type { Clock } from '../clock.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { Registry } from '../kinds/registry.ts';
import type { ResourceType } from '../kinds/resource-type.ts';
import type { Store } from '../store/store.ts';

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly type: ResourceType;
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
}

/** A validating webhook, say: throws an ApiError to refuse. */
export type Admission = (request: AdmissionRequest) => void;

/** What all operations stand on. */
export interface Ground {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly admission: Set<Admission>;
}

/** Which object, as a path of the API names it. */
export interface Target {
  readonly type: ResourceType;
  /** Empty for what has none. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: 'status' | 'scale' | undefined;
}

export interface WriteOptions {
  /** Who writes, as `managedFields` will name it. */
  readonly manager: string;
  readonly dryRun?: boolean;
  /** @defaultValue 'Warn' */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** Is told what the client should know, e.g. of unknown fields. */
  readonly warn?: (warning: string) => void;
}

export function admit(ground: Ground, request: AdmissionRequest): void {
  for (const admission of ground.admission) admission(request);
}
