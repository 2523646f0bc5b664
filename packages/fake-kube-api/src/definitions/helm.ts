import { definition } from './definition.ts';
import { choice, fields, flag, int, list, map, open, text } from '../schema/words.ts';

const shared = {
  failurePolicy: { ...choice('abort', 'reinstall', 'retry'), default: 'reinstall' },
  forceConflicts: flag,
  serverSide: choice('true', 'false', 'auto'),
  values: { 'x-kubernetes-preserve-unknown-fields': true },
  valuesContent: text,
  valuesSecrets: list(fields({ name: text, keys: list(text), ignoreUpdates: flag })),
};

/** What K3s brings itself, for its Helm controller. */
export const HELM_DEFINITIONS = [
  definition(
    { group: 'helm.cattle.io', version: 'v1', kind: 'HelmChart', plural: 'helmcharts', shortNames: ['hc'] },
    fields({
      spec: fields({
        ...shared,
        authPassCredentials: flag,
        authSecret: fields({ name: text }),
        backOffLimit: int,
        bootstrap: flag,
        chart: text,
        chartContent: text,
        createNamespace: flag,
        dockerRegistrySecret: fields({ name: text }),
        driver: { ...choice('secret', 'configmap'), default: 'secret' },
        helmVersion: text,
        insecureSkipTLSVerify: flag,
        jobImage: text,
        plainHTTP: flag,
        podSecurityContext: open,
        repo: text,
        repoCA: text,
        repoCAConfigMap: fields({ name: text }),
        securityContext: open,
        set: map({ 'x-kubernetes-int-or-string': true }),
        takeOwnership: flag,
        targetNamespace: text,
        timeout: text,
        version: text,
      }),
      status: fields({
        jobName: text,
        conditions: list(
          fields({ type: text, status: text, reason: text, message: text }, ['type', 'status']),
          {
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['type'],
          },
        ),
      }),
    }),
  ),
  definition(
    {
      group: 'helm.cattle.io',
      version: 'v1',
      kind: 'HelmChartConfig',
      plural: 'helmchartconfigs',
      shortNames: ['hcc'],
      hasStatus: false,
    },
    fields({ spec: fields(shared) }),
  ),
];
