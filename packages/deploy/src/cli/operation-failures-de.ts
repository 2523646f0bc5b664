import type { CandidateObstacle, OperationFailure, TakeoverObstacle } from '../errors/operation-failure.ts';
import type { ByCode } from './cli-texts.ts';
import { say } from './cluster-texts.ts';
import type { By } from './cluster-texts.ts';

export const OPERATION_FAILURES_DE: ByCode<OperationFailure> = {
  'credentials-missing': ({ namespace, secret, key }) =>
    `Secret ${namespace}/${secret} hat kein ${key}. 'deploy:lab apply' füllt es; nennt --kubeconfig den richtigen Cluster?`,
  'pod-refused': ({ namespace, pod, what, reason }) =>
    `Pod ${namespace}/${pod} lässt ${what} nicht zu (${reason}). Läuft er, darf der Benutzer dieser kubeconfig das ('kubectl auth can-i create pods/${what}'), und ist sein Node vom API-Server aus erreichbar?`,
  'switchover-refused': ({ pod, reason }) =>
    `Patroni in Pod ${pod} lehnt den Wechsel ab (${reason}). Siehe 'deploy:lab status' für den Zustand der Mitglieder, dann erneut versuchen.`,
  'no-single-primary': ({ cluster, pods }) =>
    `${cluster} hat gerade ${pods.length === 0 ? 'keinen Primary' : `mehrere Primarys (${pods.join(', ')})`}. Siehe 'deploy:lab status'; Patroni klärt das selbst.`,
  'not-a-candidate': ({ pod, why, candidates }) =>
    `${CANDIDATES[why](pod)} ${candidates.length === 0 ? "Gerade kann niemand führen: siehe 'deploy:lab status'." : `Nennen Sie ${candidates.join(' oder ')}, oder überlassen Sie es Patroni.`}`,
  'nobody-took-over': ({ cluster, obstacle, seconds }) =>
    `Niemand hat ${cluster} binnen ${seconds} s übernommen: ${takeoverTextDe(obstacle)}. Siehe die Protokolle der Mitglieder ('kubectl logs') und 'deploy:lab status'.`,
  'not-whole': ({ cluster, reason, seconds }) =>
    `${cluster} ist ${seconds === 0 ? '' : `nach ${seconds} s `}nicht vollständig: ${reason.de}. Eine Probe braucht, dass alle Mitglieder folgen: siehe 'deploy:lab status', dann erneut versuchen.`,
  'load-failed': ({ reason }) =>
    `Die Last konnte nicht erzeugt werden: ${reason}. Siehe, was 'deploy:lab verify' sagt.`,
  'cannot-listen': ({ port, reason }) =>
    `Auf 127.0.0.1:${port} kann nicht gehört werden (${reason}). Einen anderen --port nennen, oder keinen für einen freien.`,
  'not-in-lab': ({ what, key }) =>
    `Dieses Lab hat kein ${what}: ${key} ist false. Auf true setzen und anwenden, oder etwas anderes wählen.`,
};

const CANDIDATES: Record<CandidateObstacle, (pod: string) => string> = {
  nobody: () => 'Es gibt keinen Standby, der führen könnte.',
  unknown: (pod) => `${pod} ist kein Mitglied dieses Clusters.`,
  'is-primary': (pod) => `${pod} führt schon.`,
  'not-ready': (pod) => `${pod} ist nicht bereit.`,
  'not-synchronous': (pod) => `${pod} bestätigt keine Schreibvorgänge, ihm können also bestätigte fehlen.`,
  behind: (pod) => `${pod} liegt weiter zurück als cluster.patroni.maximumLagBytes.`,
};

export function takeoverTextDe(obstacle: TakeoverObstacle): string {
  return say(TAKEOVER, 'is', obstacle);
}

const TAKEOVER: By<TakeoverObstacle, 'is'> = {
  'old-leads': ({ pod }) => `${pod} führt noch`,
  'nobody-leads': () => 'kein Pod ist als Primary gekennzeichnet',
  'several-lead': ({ pods }) => `${pods.join(' und ')} sind alle als Primary gekennzeichnet`,
  'leader-not-ready': ({ pod }) => `${pod} führt und ist noch nicht bereit`,
};
