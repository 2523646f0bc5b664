import { at, isRecord, stringsAt, type JsonObject } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';
import { podTemplate } from './prepare-workload.ts';

/** Jobs get the labels by which they find their pods; CronJobs hold the template of a Job. */
export function prepareBatch(object: KubeObject, before: KubeObject | undefined): KubeObject {
  const spec = isRecord(object['spec']) ? object['spec'] : {};
  const status = object['status'] ?? {};
  if (object.kind === 'CronJob') {
    const jobTemplate = isRecord(spec['jobTemplate']) ? spec['jobTemplate'] : {};
    const jobSpec = isRecord(jobTemplate['spec']) ? jobTemplate['spec'] : {};
    const template = podTemplate(jobSpec['template']);
    return {
      ...object,
      spec: {
        ...spec,
        jobTemplate: { metadata: {}, ...jobTemplate, spec: { ...withoutJobDefaults(jobSpec), template } },
      },
      status,
    };
  }
  const uid = object.metadata.uid ?? '';
  const selector = at(before, 'spec', 'selector') ??
    spec['selector'] ?? { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  const template = podTemplate(spec['template']);
  const name = nameOf(object);
  const labels = {
    ...stringsAt(template, 'metadata', 'labels'),
    ...(before === undefined ? {} : stringsAt(before, 'spec', 'template', 'metadata', 'labels')),
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  const metadata = { ...(isRecord(template['metadata']) ? template['metadata'] : {}), labels };
  return { ...object, spec: { ...spec, selector, template: { ...template, metadata } }, status };
}

/** Inside a CronJob the template of the Job is not defaulted; only its pods are. */
function withoutJobDefaults(spec: JsonObject): JsonObject {
  const { completionMode: _, podReplacementPolicy: _policy, ...rest } = spec;
  for (const [field, value] of [
    ['backoffLimit', 6],
    ['completions', 1],
    ['parallelism', 1],
    ['suspend', false],
  ] as const) {
    if (rest[field] === value) delete rest[field];
  }
  return rest;
}
