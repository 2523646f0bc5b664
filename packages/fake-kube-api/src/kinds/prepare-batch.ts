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
        jobTemplate: { metadata: {}, ...jobTemplate, spec: { ...jobSpec, template } },
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
  return {
    ...object,
    spec: { ...jobDefaults(spec), ...spec, selector, template: { ...template, metadata } },
    status,
  };
}

/** Only of Jobs themselves: the template of a Job inside a CronJob stays as it was written. */
function jobDefaults(spec: JsonObject): JsonObject {
  const isOne = spec['completions'] === undefined && spec['parallelism'] === undefined;
  return {
    backoffLimit: 6,
    ...(isOne ? { completions: 1 } : {}),
    parallelism: 1,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: 'TerminatingOrFailed',
  };
}
