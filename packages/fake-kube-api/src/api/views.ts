import { sameJson } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { Target } from './ground.ts';

export function withoutStatus(object: KubeObject): KubeObject {
  const { status: _status, ...rest } = object;
  return rest;
}

/** The part of an object that may be written on a path: all but status on the main one, only status on the other. */
export function writableView(object: KubeObject, { type, subresource }: Target): KubeObject {
  if (subresource === 'status') {
    const { apiVersion, kind, status } = object;
    const { name, namespace, managedFields } = object.metadata;
    const metadata = {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(managedFields === undefined ? {} : { managedFields }),
    };
    return { apiVersion, kind, metadata, ...(status === undefined ? {} : { status }) };
  }
  return type.statusSubresource ? withoutStatus(object) : object;
}

/** The whole object after its writable part was changed. */
export function withView(
  current: KubeObject,
  changed: KubeObject,
  { type, subresource }: Target,
): KubeObject {
  if (subresource === 'status') {
    const { status } = changed;
    return { ...withoutStatus(current), ...(status === undefined ? {} : { status }) };
  }
  if (!type.statusSubresource || current['status'] === undefined) return changed;
  return { ...changed, status: current['status'] };
}

/** Whether a write changes nothing that matters: then the stored object, and its version, stay. */
export function isSameObject(left: KubeObject, right: KubeObject): boolean {
  return sameJson(comparable(left), comparable(right));
}

function comparable(object: KubeObject): unknown {
  const { resourceVersion: _, managedFields = [], ...metadata } = object.metadata;
  return {
    ...object,
    metadata: { ...metadata, managedFields: managedFields.map(({ time: _time, ...rest }) => rest) },
  };
}

/** Whether what is wanted changed, which raises the generation: anything but metadata and status. */
export function isSameIntent(
  left: KubeObject,
  right: KubeObject,
  { statusSubresource }: { statusSubresource: boolean },
): boolean {
  const intent = ({ metadata: _metadata, status, ...rest }: KubeObject) =>
    statusSubresource ? rest : { ...rest, status };
  return sameJson(intent(left), intent(right));
}
