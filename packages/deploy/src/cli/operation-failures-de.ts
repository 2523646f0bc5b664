import type { OperationFailure } from '../errors/operation-failure.ts';
import type { ByCode } from './cli-texts.ts';

export const OPERATION_FAILURES_DE: ByCode<OperationFailure> = {
  'credentials-missing': ({ namespace, secret, key }) =>
    `Secret ${namespace}/${secret} hat kein ${key}. 'deploy:lab apply' füllt es; nennt --kubeconfig den richtigen Cluster?`,
};
