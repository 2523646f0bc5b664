/** The kinds that Kubernetes itself brings, held against its own types and validators. */
import { Deployment } from 'kubernetes-models/apps/v1';
import { Job } from 'kubernetes-models/batch/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { StorageClass } from 'kubernetes-models/storage.k8s.io/v1';
import {
  ConfigMap,
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  Secret,
  Service,
} from 'kubernetes-models/v1';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IJob } from 'kubernetes-models/batch/v1';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IStorageClass } from 'kubernetes-models/storage.k8s.io/v1';
import type {
  IConfigMap,
  INamespace,
  IPersistentVolume,
  IPersistentVolumeClaim,
  ISecret,
  IService,
} from 'kubernetes-models/v1';
import type { Kube, KubeObject } from '../../src/manifests/schema/kinds.ts';

/** Kubernetes' types for what we send, by kind. */
interface Upstream {
  Deployment: IDeployment;
  Job: IJob;
  NetworkPolicy: INetworkPolicy;
  StorageClass: IStorageClass;
  ConfigMap: IConfigMap;
  Namespace: INamespace;
  PersistentVolume: IPersistentVolume;
  PersistentVolumeClaim: IPersistentVolumeClaim;
  Secret: ISecret;
  Service: IService;
}

/** Every field of ours that Kubernetes does not know, at any depth; never where there is none. */
type Unknown<Ours, Theirs> = Ours extends readonly (infer Item)[]
  ? NonNullable<Theirs> extends readonly (infer Known)[]
    ? Unknown<Item, Known>
    : never
  : Ours extends object
    ? {
        [Key in keyof Ours & string]: Key extends keyof NonNullable<Theirs>
          ? Unknown<Ours[Key], NonNullable<Theirs>[Key]>
          : Key;
      }[keyof Ours & string]
    : never;

type UnknownField = { [Kind in keyof Upstream]: Unknown<Kube<Kind>, Upstream[Kind]> }[keyof Upstream];

/** Does not compile where a kind has a field that Kubernetes does not know, and says which. */
const UNKNOWN_FIELDS: readonly never[] = [] as UnknownField[];

const MODELS = {
  Deployment,
  Job,
  NetworkPolicy,
  StorageClass,
  ConfigMap,
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  Secret,
  Service,
} as const;

/** @throws what Kubernetes' schema has against an object; nothing for kinds that are not its own. */
export function validateCoreKind(object: KubeObject): boolean {
  if (UNKNOWN_FIELDS.length > 0 || !Object.hasOwn(MODELS, object.kind)) return false;
  const Model = MODELS[object.kind as keyof typeof MODELS] as new (data: object) => { validate(): void };
  new Model(object).validate();
  return true;
}
