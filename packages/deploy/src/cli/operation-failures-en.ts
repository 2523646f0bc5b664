import type { OperationFailure } from '../errors/operation-failure.ts';
import type { ByCode } from './cli-texts.ts';

export const OPERATION_FAILURES_EN: ByCode<OperationFailure> = {
  'credentials-missing': ({ namespace, secret, key }) =>
    `Secret ${namespace}/${secret} has no ${key}. 'deploy:lab apply' fills it; does --kubeconfig name the right cluster?`,
};
