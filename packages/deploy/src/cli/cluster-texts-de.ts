import type { Obstacle, Wait } from '../errors/deploy-error.ts';
import { say } from './cluster-texts.ts';
import type { By, ClusterTexts } from './cluster-texts.ts';
import { partName } from './part-name.ts';

export const CLUSTER_TEXTS_DE: ClusterTexts = {
  needsYes: () => 'es gibt kein Terminal für eine Rückfrage; erst plan ansehen, dann --yes angeben',
  unknownStep: (given, allowed) => `den Schritt '${given}' gibt es in diesem Lab nicht; erlaubt: ${allowed}`,
  unknownObject: (given) => `dieses Lab hat kein Objekt '${given}'; es so schreiben, wie plan es tut`,
  cluster: (context, server) => `Cluster: ${context} auf ${server}`,
  after: (first) =>
    first.kind === 'webhook' ? 'sobald sein Webhook antwortet' : `nach ${first.kind} ${first.name}`,
  adopted: () => 'gleiche Werte, aber von anderen geschrieben; sie werden auch unsere',
  owned: (manager, fields) => `gehört ${manager}: ${fields}`,
  leftOut: (definition) => `ausgelassen, ${definition} gibt es nicht`,
  versionRefused: ({ part, from, to, why }) =>
    why === 'major'
      ? `${partName(part)} ${from} läuft; apply und upgrade lehnen eine andere Hauptversion, ${to}, ab`
      : `${partName(part)} ${from} läuft; apply und upgrade lehnen den Weg zurück zu ${to} ab`,
  counts: ({ create, change, conflict, refused, unchanged }) =>
    `${create} anzulegen, ${change} zu ändern, ${conflict} im Konflikt, ${refused} abgelehnt, ${unchanged} unverändert.`,
  nothingToDo: () => 'Nichts zu tun: Der Cluster ist, wie die lab.yaml sagt.',
  question: (count) => `${count} ${count === 1 ? 'Objekt' : 'Objekte'} in diesem Cluster ändern? [j/N] `,
  declined: () => 'Es wurde nichts geändert.',
  inConflict: (resources) =>
    `Die Änderung dort zurücknehmen oder überstimmen: ${forceText(resources)}. Eine Änderung, die bleiben soll, gehört in die lab.yaml.`,
  stepStarted: (step, at, of) => `[${at}/${of}] ${step}`,
  written: (action, resource) => `  ${action === 'create' ? 'angelegt' : 'geändert'}: ${resource}`,
  webhookSilent: (resource) => `  wartet: Der Webhook, der ${resource} prüft, antwortet noch nicht`,
  waiting: (wait, obstacle) => `  wartet auf ${waitText(wait)}: ${obstacleText(obstacle)}`,
  sinceSeconds: (line, seconds) => `${line} (seit ${seconds} s)`,
  stepDone: (written, unchanged) => `  fertig: ${written} geschrieben, ${unchanged} unverändert`,
  applied: (written, seconds) =>
    `Der Cluster ist, wie die lab.yaml sagt: ${written} geschrieben in ${seconds} s.`,
  apiSlow: ({ server, reason, attempt, attempts }) =>
    `  wartet auf die Kubernetes-API auf ${server}: ${reason ?? 'noch keine Antwort'} (Versuch ${attempt} von ${attempts})`,
  interrupted: () => 'Angehalten. Was angewendet ist, bleibt; derselbe Befehl macht dort weiter.',
  lockTakenOver: (from) => `Der Lauf von ${from} ist tot; seine Sperre ist übernommen.`,
};

function forceText(resources: readonly string[]): string {
  return ['deploy:lab apply', ...resources.map((each) => `--force '${each}'`)].join(' ');
}

const WAITS: By<Wait, 'for'> = {
  chart: (found) => `das Chart ${found.name}`,
  definition: (found) => `CustomResourceDefinition ${found.name}`,
  database: (found) => `die Datenbank ${found.name}`,
  address: (found) => `die Adresse ${found.address} von Service ${found.service}`,
  claim: (found) => `das Volume von PersistentVolumeClaim ${found.name}`,
  job: (found) => `das Ende von Job ${found.name}`,
  gone: (found) => `das Ende von ${found.resource}`,
};

export function waitText(wait: Wait): string {
  return say(WAITS, 'for', wait);
}

const OBSTACLES: By<Obstacle, 'is'> = {
  absent: (found) => `${found.resource} fehlt`,
  'not-established': (found) => `${found.resource} ist noch nicht bereit`,
  'not-replaced': (found) => `${found.resource} ist noch der von vor der Änderung`,
  failed: (found) =>
    `${found.resource} ist fehlgeschlagen${found.message === '' ? '' : ` (${found.message})`}`,
  running: (found) =>
    `${found.resource} läuft noch${found.failures === 0 ? '' : `, ${found.failures} Pods sind fehlgeschlagen`}`,
  'not-ready': (found) => `${found.resource} hat ${found.ready} von ${found.wanted} Pods bereit`,
  status: (found) => `${found.resource} hat den Status ${found.status}`,
  'other-address': (found) => `${found.resource} hat stattdessen ${found.address}`,
  'no-address': (found) => `${found.resource} hat keine Adresse`,
  ending: ({ resource, heldBy }) =>
    heldBy.length === 0
      ? `${resource} ist noch da`
      : `${resource} wird noch gehalten von ${heldBy.join(', ')}`,
};

export function obstacleText(obstacle: Obstacle): string {
  return say(OBSTACLES, 'is', obstacle);
}

/** Where to look, and what to do. */
const REMEDIES: By<Wait, 'for'> = {
  chart: (found) =>
    `Siehe 'kubectl -n kube-system logs job/helm-install-${found.name}': Sind Images und Repository erreichbar? Dann erneut anwenden.`,
  definition: () =>
    'Ihr Chart bringt sie mit: den Schritt charts anwenden und seinen Job in kube-system ansehen.',
  database: (found) =>
    `Siehe 'kubectl get pods -l cluster-name=${found.name}' und das Protokoll des Operators: Gibt es Speicher, ein Volume, das Image? Dann erneut anwenden.`,
  address: () =>
    `Hat sie ein anderer Service ('kubectl get services -A')? Sie dort freigeben, den Service löschen, damit der Operator ihn neu anlegt, und erneut anwenden.`,
  claim: (found) => `Siehe 'kubectl describe pvc ${found.name}', dann erneut anwenden.`,
  job: (found) =>
    `Siehe 'kubectl -n ${found.namespace} logs job/${found.name}', dann 'kubectl -n ${found.namespace} delete job ${found.name}' und erneut anwenden.`,
  gone: ({ resource }) =>
    `Läuft noch, wer es abräumen soll (K3s, der Operator; siehe 'kubectl describe' für ${resource})? Dann denselben Befehl wiederholen.`,
};

export function remedyText(wait: Wait): string {
  return say(REMEDIES, 'for', wait);
}
