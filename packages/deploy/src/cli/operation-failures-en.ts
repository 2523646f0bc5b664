import type { CandidateObstacle, OperationFailure, TakeoverObstacle } from '../errors/operation-failure.ts';
import type { ByCode } from './cli-texts.ts';
import { say } from './cluster-texts.ts';
import type { By } from './cluster-texts.ts';

export const OPERATION_FAILURES_EN: ByCode<OperationFailure> = {
  'credentials-missing': ({ namespace, secret, key }) =>
    `Secret ${namespace}/${secret} has no ${key}. 'deploy:lab apply' fills it; does --kubeconfig name the right cluster?`,
  'pod-refused': ({ namespace, pod, what, reason }) =>
    `Pod ${namespace}/${pod} takes no ${what} (${reason}). Does it run, may this kubeconfig's user do it ('kubectl auth can-i create pods/${what}'), and is its node reachable from the API server?`,
  'switchover-refused': ({ pod, reason }) =>
    `Patroni in Pod ${pod} refuses the switchover (${reason}). See 'deploy:lab status' for the members' state, then try again.`,
  'no-single-primary': ({ cluster, pods }) =>
    `${cluster} has ${pods.length === 0 ? 'no primary' : `several primaries (${pods.join(', ')})`} right now. See 'deploy:lab status'; Patroni settles that by itself.`,
  'not-a-candidate': ({ pod, why, candidates }) =>
    `${CANDIDATES[why](pod)} ${candidates.length === 0 ? "Nobody can lead right now: see 'deploy:lab status'." : `Name one of ${candidates.join(', ')}, or leave it to Patroni.`}`,
  'nobody-took-over': ({ cluster, obstacle, seconds }) =>
    `Nobody has taken over ${cluster} within ${seconds} s: ${takeoverTextEn(obstacle)}. See the members' logs ('kubectl logs') and 'deploy:lab status'.`,
  'not-whole': ({ cluster, reason, seconds }) =>
    `${cluster} is not whole${seconds === 0 ? '' : ` after ${seconds} s`}: ${reason.en}. A drill needs all members to follow: see 'deploy:lab status', and try again then.`,
  'load-failed': ({ reason }) =>
    `The load could not be put on: ${reason}. See what 'deploy:lab verify' says.`,
  'cannot-listen': ({ port, reason }) =>
    `127.0.0.1:${port} cannot be listened on (${reason}). Name another --port, or leave it out for a free one.`,
  'not-in-lab': ({ what, key }) =>
    `This lab has no ${what}: ${key} is false. Set it to true and apply, or choose another.`,
};

const CANDIDATES: Record<CandidateObstacle, (pod: string) => string> = {
  nobody: () => 'There is no standby that could lead.',
  unknown: (pod) => `${pod} is no member of this cluster.`,
  'is-primary': (pod) => `${pod} leads already.`,
  'not-ready': (pod) => `${pod} is not ready.`,
  'not-synchronous': (pod) => `${pod} does not confirm writes, so it may lack some that were acknowledged.`,
  behind: (pod) => `${pod} is further behind than cluster.patroni.maximumLagBytes.`,
};

export function takeoverTextEn(obstacle: TakeoverObstacle): string {
  return say(TAKEOVER, 'is', obstacle);
}

const TAKEOVER: By<TakeoverObstacle, 'is'> = {
  'old-leads': ({ pod }) => `${pod} still leads`,
  'nobody-leads': () => 'no pod is labelled as the primary',
  'several-lead': ({ pods }) => `${pods.join(' and ')} are all labelled as the primary`,
  'leader-not-ready': ({ pod }) => `${pod} leads and is not ready yet`,
};
