import { causeOf } from '../errors/kube-refusal.ts';
import type { RefusalCause } from '../errors/kube-refusal.ts';
import { sentence } from './cli-texts.ts';
import type { CliTexts } from './cli-texts.ts';
import { OPERATION_FAILURES_DE } from './operation-failures-de.ts';
import { CLUSTER_TEXTS_DE, obstacleText, remedyText, waitText } from './cluster-texts-de.ts';

/** Why, and what to do. */
const AUTHORITY = {
  unreadable:
    'Ihre Dateien sind kein PEM, oder der Schlüssel hat ein Passwort. Beide als PEM angeben, den Schlüssel ohne Passwort.',
  'no-authority': 'Ihr Zertifikat ist nicht das einer Zertifizierungsstelle. Eines mit CA:TRUE angeben.',
  'other-key': 'Der Schlüssel gehört zu einem anderen Zertifikat. Die beiden angeben, die zusammengehören.',
  'kind-of-key': 'Die Art ihres Schlüssels wird nicht unterstützt. RSA, P-256 oder P-384 angeben.',
  'expires-first':
    'Sie läuft vor dem Zertifikat ab. tls.certificateDays senken oder die Zertifizierungsstelle erneuern.',
} as const;

const KUBECONFIG = {
  unreadable: 'Sie ist kein YAML dieser Art. Neu vom Server kopieren.',
  'no-context': "Sie hat keinen aktuellen Kontext. Einen mit 'kubectl config use-context' wählen.",
  'no-cluster': 'Der Cluster ihres Kontexts fehlt. Neu vom Server kopieren.',
  'no-user': 'Der Benutzer ihres Kontexts fehlt. Neu vom Server kopieren.',
  'no-https': 'Die Adresse ihres Servers ist nicht https://. Geheimnisse werden nur verschlüsselt gesendet.',
} as const;

export const CLI_TEXTS_DE: CliTexts = {
  program: 'Der Cluster der Datenbank auf den Rechnern der Schule, aus einer lab.yaml',
  titles: {
    'Usage:': 'Aufruf:',
    'Arguments:': 'Argumente:',
    'Options:': 'Optionen:',
    'Commands:': 'Befehle:',
  },
  help: 'diese Hilfe zeigen',
  exitCodes:
    'Rückgabewerte: 0 fertig, 1 fehlgeschlagen, 2 falscher Aufruf, 3 Fehler in der lab.yaml, 11 ein anderer Lauf ändert den Cluster gerade, 12 der Cluster weicht von der lab.yaml ab, 13 eine Probe verfehlt eine Grenze, 130 angehalten.',
  lab: 'die lab.yaml (sonst die der Schule, die mit diesem Paket kommt)',
  lang: 'Sprache aller Meldungen: de oder en (sonst nach LC_ALL, LC_MESSAGES oder LANG)',
  words: {
    options: '[Optionen]',
    command: '[Befehl]',
    language: '<Sprache>',
  },
  usage: {
    unknownOption: (option) => `die Option ${option} gibt es nicht; --help zeigt sie alle`,
    unknownCommand: (command, allowed) => `den Befehl '${command}' gibt es nicht; erlaubt: ${allowed}`,
    missingArgument: (argument) => `das Argument ${argument} fehlt; --help zeigt es`,
    excessArguments: () => 'zu viele Argumente; --help zeigt sie',
    optionWithoutValue: (option) => `die Option ${option} braucht einen Wert`,
    badLanguage: (given) => `'${given}' ist keine Sprache dieses Programms; erlaubt: de, en`,
  },
  good: (file, { cluster, instances, nodes, profile }) =>
    `${file} ist richtig: Cluster ${cluster}, ${instances} ${instances === 1 ? 'Instanz' : 'Instanzen'} auf ${nodes} Nodes, Profil ${profile}.`,
  problems: (count, file) => `${count} Fehler in ${file}.`,
  logEnd: (exitCode) => `Ende mit dem Rückgabewert ${exitCode}.`,
  logAt: (path) => `Das Protokoll dieses Laufs: ${path}`,
  noLog: (path) =>
    `Von diesem Lauf gibt es kein Protokoll, ${path === 'HOME' ? 'HOME ist nicht gesetzt' : `${path} ist nicht schreibbar`}; --log DATEI nennt einen Ort.`,
  rendered: (files, objects, directory) => `${objects} Objekte in ${files} Dateien liegen in ${directory}.`,
  warnings: {
    'datastore-is-one-machine': (found) =>
      `Warnung: Fällt ${found.host} aus, fällt die Kubernetes-API mit aus, und die Datenbank kann dann nur noch gelesen werden. Das Profil embedded-etcd kommt ohne ihn aus.`,
    'more-instances-than-nodes': (found) =>
      `Warnung: ${found.instances} Instanzen auf ${found.nodes} Nodes teilen sich Rechner. Das hilft beim Lesen, nicht bei Ausfällen.`,
    asynchronous: () =>
      'Warnung: Ohne synchrone Replikation kann ein Failover bestätigte Änderungen verlieren.',
  },
  failures: {
    ...OPERATION_FAILURES_DE,
    'authority-unusable': ({ reason }) =>
      `tls.authority kann das Zertifikat nicht unterschreiben: ${AUTHORITY[reason]}`,
    'cannot-read': (found) => `${found.path} ist nicht lesbar (${found.reason}). Stimmt der Pfad?`,
    'cannot-write': (found) =>
      `${found.path} ist nicht schreibbar (${found.reason}). Stimmt der Pfad, und ist noch Platz?`,
    'directory-in-use': (found) =>
      `In ${found.directory} liegt etwas anderes (${listed(found.strangers)}). Einen neuen oder leeren Ordner angeben.`,
    'chart-missing': (found) =>
      `In ${found.directory} fehlt ${found.files.join(', ')}. Mit 'helm pull' holen, wo es Internet gibt, oder charts.source auf repository setzen.`,
    'kubeconfig-missing': (found) =>
      `Es gibt keine kubeconfig (gesucht: ${found.tried.join(', ')}). --kubeconfig DATEI angeben; auf einem Server hat K3s seine eigene in /etc/rancher/k3s/k3s.yaml.`,
    'kubeconfig-unusable': ({ path, reason }) =>
      `${path} ist keine brauchbare kubeconfig: ${KUBECONFIG[reason]}`,
    'kube-unreachable': (found) =>
      `Die Kubernetes-API auf ${found.server} ist nicht erreichbar (${found.reason}, ${found.attempts} ${found.attempts === 1 ? 'Versuch' : 'Versuche'}). Stimmt die Adresse in der kubeconfig, und läuft der Server? Was angewendet ist, bleibt; denselben Befehl wiederholen.`,
    'kube-refused': ({ resource, status, message }) =>
      `Die Kubernetes-API lehnt ${resource} ab (${status}): ${sentence(message)} ${REFUSAL_REMEDIES[causeOf({ status, message })]}`,
    conflict: ({ resource, owners }) =>
      `${resource} hat Felder, die anderen gehören: ${owners.map(({ manager, fields }) => `${fields.join(', ')} gehört ${manager}`).join('; ')}. ${CLUSTER_TEXTS_DE.inConflict([resource])}`,
    'webhook-silent': ({ resource, seconds, message }) =>
      `${resource} war ${seconds} s lang nicht anzuwenden: Der Webhook, der es prüft, antwortet nicht (${message}). Laufen seine Pods ('kubectl -n metallb-system get pods')? Dann erneut anwenden.`,
    'waited-in-vain': ({ wait, obstacle, seconds }) =>
      `${seconds} s vergeblich auf ${waitText(wait)} gewartet: ${obstacleText(obstacle)}. ${remedyText(wait)}`,
    locked: (found) =>
      `Ein anderer Lauf ändert diesen Cluster gerade: ${found.holder}, seit ${instantText(found.sinceMs)}, letztes Lebenszeichen vor ${found.silentSeconds} s. Warten, bis er fertig ist, oder ihn dort mit Strg-C anhalten. Ist er tot, endet seine Sperre von selbst in ${found.endsInSeconds} s. Dann denselben Befehl wiederholen.`,
    'lock-lost': ({ holder }) =>
      `Dieser Lauf stand zu lange still, und ${holder} hat inzwischen die Sperre des Clusters. Was angewendet ist, bleibt. Warten, bis der andere Lauf fertig ist, dann denselben Befehl wiederholen.`,
    'secret-missing': ({ secret, key, from }) =>
      `Secret ${secret} bekommt kein ${key}: ${from} fehlt oder ist leer. Bereitstellen und erneut anwenden.`,
  },
};

/** What to do about it. */
const REFUSAL_REMEDIES: Readonly<Record<RefusalCause, string>> = {
  'not-allowed': 'Gehört die kubeconfig einem Administrator, und ist sie nicht abgelaufen?',
  'webhook-silent':
    "Laufen die Pods, die dort antworten sollen ('kubectl get pods -A')? Dann denselben Befehl wiederholen.",
  contested:
    'Etwas anderes schreibt es gleichzeitig, immer wieder. Das finden, dann denselben Befehl wiederholen.',
  server:
    "Es wurde mehrmals versucht. 'kubectl get --raw /readyz?verbose' sagt, was dem Server fehlt. Was angewendet ist, bleibt; denselben Befehl wiederholen.",
  other:
    'Was angewendet ist, bleibt. Das in der lab.yaml oder im Cluster beheben und denselben Befehl wiederholen.',
};

function instantText(ms: number): string {
  return new Date(ms).toLocaleString('de-DE');
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} und ${names.length - 3} weitere` : shown;
}
