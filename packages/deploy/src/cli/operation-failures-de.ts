import { memoryText } from '../config/quantity.ts';
import type {
  CandidateObstacle,
  OperationFailure,
  RefusedVersion,
  SendersObstacle,
  TakeoverObstacle,
} from '../errors/operation-failure.ts';
import type { ByCode } from './cli-texts.ts';
import { LOG_FAILURES } from './log-failures.ts';
import { say } from './cluster-texts.ts';
import type { By } from './cluster-texts.ts';
import { partName } from './part-name.ts';

export const OPERATION_FAILURES_DE: ByCode<OperationFailure> = {
  ...LOG_FAILURES.de,
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
    `${cluster} ist ${seconds === 0 ? '' : `nach ${seconds} s `}nicht vollständig: ${reason.de}. Erst müssen alle Mitglieder folgen: siehe 'deploy:lab status', dann erneut versuchen.`,
  'versions-refused': ({ refused }) => refused.map(refusedText).join(' '),
  'load-failed': ({ reason }) =>
    `Die Last konnte nicht erzeugt werden: ${reason}. Siehe, was 'deploy:lab verify' sagt.`,
  'shipped-lab': ({ path }) =>
    `${path} ist das mitgelieferte Lab, das bleibt, wie es ist. Eine Kopie davon mit --lab angeben.`,
  'other-changes': ({ resource, fields }) =>
    `${resource} weicht auch in ${fields.join(', ')} von der lab.yaml ab. Erst 'deploy:lab apply', dann die Größe ändern.`,
  'no-room': ({ shortage: { what, node, needed, free, placed }, more }) =>
    what === 'nodes'
      ? `Kein Node nimmt neue Pods: siehe 'deploy:lab status'.`
      : `Es ist Platz für ${placed} von ${more} weiteren Instanzen: Die nächste braucht ${amount(what, needed)} ${what === 'cpu' ? 'CPU' : 'Speicher'}, und Node ${node} hat ${amount(what, free)} frei. cluster.resources.requests verkleinern oder Maschinen hinzufügen.`,
  'senders-late': ({ obstacle, seconds }) =>
    `Der Cluster war binnen ${seconds} s nicht bereit für weitere Mitglieder: ${sendersTextDe(obstacle)}. Siehe das Protokoll des Operators: Er startet Mitglieder neu, eines nach dem anderen. Derselbe Befehl macht hier weiter.`,
  'primary-would-go': ({ pod, instances }) =>
    `${pod} führt und fiele bei ${instances} Instanzen weg; von denen, die bleiben, kann gerade keine führen. Warten, bis eine von ihnen Schreibvorgänge bestätigt ('deploy:lab status'), oder erst von Hand wechseln.`,
  'members-stay': ({ pods, seconds }) =>
    `${pods.join(', ')} sind nach ${seconds} s noch da. Siehe das Protokoll des Operators; derselbe Befehl macht hier weiter.`,
  'too-many-for-local': ({ instances, most }) =>
    `Das Lab hat ${instances} Instanzen, und ein Rechner trägt höchstens ${most}. Eine Kopie der lab.yaml mit weniger angeben.`,
  'local-failed': ({ reason }) => `Der Cluster startete auf diesem Rechner nicht: ${reason}.`,
  'cannot-listen': ({ port, reason }) =>
    `Auf 127.0.0.1:${port} kann nicht gehört werden (${reason}). Einen anderen --port nennen, oder keinen für einen freien.`,
  'not-in-lab': ({ what, key }) =>
    `Dieses Lab hat kein ${what}: ${key} ist false. Auf true setzen und anwenden, oder etwas anderes wählen.`,
};

function refusedText({ part, from, to, why }: RefusedVersion): string {
  const name = partName(part);
  if (why === 'major')
    return `${name} ${from} läuft, und die lab.yaml will ${to}: Der Operator würde sofort alle Daten an Ort und Stelle umschreiben, ohne Weg zurück; deshalb verlangt deploy:lab das nicht von ihm. Setzen Sie cluster.postgres wieder auf ${from}. Von Hand: ein zweites Lab mit ${to} unter anderem cluster.name und anderen Adressen anwenden, die Daten mit pg_dump und pg_restore dorthin bringen, danach die Apps.`;
  return part === 'postgresql'
    ? `${name} ${from} läuft, und die lab.yaml will ${to}: Seine Daten können nicht zurück. Setzen Sie cluster.postgres auf ${from}.`
    : `${name} ${from} läuft, und dieses deploy:lab bringt ${to}: Ein Chart wird nicht zurückgestuft, denn was es im Cluster geändert hat, bliebe. Verwenden Sie ein deploy:lab, das ${from} oder neuer bringt.`;
}

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

/** CPUs and bytes, for reading. */
function amount(what: 'cpu' | 'memory', value: number): string {
  return what === 'cpu' ? `${Math.round(value * 1_000)}m` : memoryText(value);
}

export function sendersTextDe(obstacle: SendersObstacle): string {
  return say(SENDERS, 'is', obstacle);
}

const SENDERS: By<SendersObstacle, 'is'> = {
  'restart-pending': ({ pods }) => `${pods.join(', ')} warten auf ihren Neustart`,
  'setting-small': ({ setting, value, wanted }) => `${setting} ist noch ${value} und wird ${wanted}`,
  'no-answer': ({ reason }) => `der Primary antwortet nicht (${reason})`,
};
