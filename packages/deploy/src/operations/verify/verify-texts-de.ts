import { obstacleText } from '../../cli/cluster-texts-de.ts';
import type { VerifyTexts } from './verify-texts.ts';

const CHECKS = {
  nodes: 'Nodes',
  database: 'Datenbank',
  poolers: 'Pooler',
  members: 'Mitglieder',
  address: 'Adresse',
  credentials: 'Zugangsdaten',
  tls: 'TLS',
  version: 'Version',
  settings: 'Einstellungen',
  'helper-schema': 'Hilfsschema',
  write: 'Schreiben',
  read: 'Lesen',
  refusal: 'Schreiben abgelehnt',
  tidy: 'aufgeräumt',
  failover: 'Failover',
  'api-balancer': 'Verteiler der API',
  backup: 'Sicherung',
} as const;

const AGAIN = 'dann erneut prüfen.';
const NETWORK =
  "Laufen seine Pods, und liegt dieser Rechner in network.clientNetworks? 'kubectl -n metallb-system logs ds/metallb-speaker' sagt, wer die Adresse bekannt gibt;";

export const VERIFY_TEXTS_DE: VerifyTexts = {
  states: { ok: 'ok', failed: 'FEHLER', 'not-checked': 'ungeprüft' },
  checks: CHECKS,
  endpoints: {
    master: 'Master',
    replica: 'Replica',
    masterPooler: 'Master-Pooler',
    replicaPooler: 'Replica-Pooler',
  },
  facts: {
    'nodes-ready': ({ nodes }) => `${nodes.join(', ')} sind bereit`,
    running: ({ name, instances }) => `${name} läuft mit ${instances} von ${instances} Instanzen`,
    'poolers-ready': ({ instances }) => `beide haben ${instances} von ${instances} Pods`,
    'members-follow': ({ primary, standbys }) =>
      standbys.length === 0 ? `${primary} führt allein` : `${primary} führt, ${standbys.join(', ')} folgen`,
    'address-pinned': ({ service, address }) => `Service ${service} hat ${address}`,
    'credentials-there': ({ user, database }) => `für ${user} und ${database}, mit der Zertifizierungsstelle`,
    verified: ({ protocol, days }) =>
      `${protocol}, vollständig gegen die Zertifizierungsstelle des Labs geprüft, noch ${days} Tage gültig`,
    version: ({ version }) => `PostgreSQL ${version}`,
    'settings-hold': ({ settings }) => settings.join(', '),
    'helper-schema-there': () => 'schooldb ist da, jedes COMMIT geschieht genau einmal',
    written: () => 'getan',
    readable: ({ afterMs, limitMs, standbys }) =>
      `das Geschriebene ist nach ${afterMs} ms da${standbys > 1 ? `, auf ${standbys} Verbindungen` : ''}, erlaubt: ${limitMs}`,
    refused: ({ code }) => `vom Standby (${code})`,
    tidied: () => 'in der Datenbank blieb nichts zurück',
  },
  faults: {
    'node-missing': ({ node, address }) => `den Node ${node} (${address}) gibt es nicht`,
    'node-not-ready': ({ node, reason }) => `Node ${node} ist nicht bereit (${reason})`,
    obstacle: ({ obstacle }) => obstacleText(obstacle),
    'no-primary': () => 'kein Pod ist als Primary gekennzeichnet',
    'several-primaries': ({ pods }) => `${pods.join(' und ')} sind alle als Primary gekennzeichnet`,
    'member-missing': ({ there, wanted }) => `${there} von ${wanted} Mitgliedern sind da`,
    'member-state': ({ pod, state }) => `Pod ${pod} ist im Zustand '${state}'`,
    'member-timeline': ({ pod, timeline, primarys }) =>
      `Pod ${pod} ist auf Timeline ${timeline}, der Primary auf ${primarys}`,
    'member-behind': ({ pod, lagBytes, most }) =>
      `Pod ${pod} liegt ${lagBytes} Bytes zurück, ${most} sind erlaubt: Er könnte nicht übernehmen`,
    'nobody-confirms': () =>
      'kein Standby bestätigt Schreibvorgänge, obwohl cluster.patroni.synchronous true ist',
    'secret-incomplete': ({ namespace, secret, key }) => `Secret ${namespace}/${secret} hat kein ${key}`,
    unreachable: ({ address, reason }) => `${address} ist von hier nicht zu erreichen (${reason})`,
    'no-tls': ({ address }) => `${address} lehnt TLS ab`,
    certificate: ({ address, reason }) => `dem Zertifikat bei ${address} ist nicht zu trauen: ${reason}`,
    'other-version': ({ version, wanted }) => `PostgreSQL ${version}, und die lab.yaml sagt ${wanted}`,
    'setting-differs': ({ setting, value, wanted, isPending }) =>
      `${setting} ist ${value} und sollte ${wanted} sein${isPending ? ' (wartet auf einen Neustart)' : ''}`,
    'helper-schema-missing': ({ reason }) => reason,
    busy: () => 'jemand anders prüft diesen Cluster gerade',
    'scratch-taken': () => 'die Datenbank hat ein Schema schooldb_verify, das nicht von verify ist',
    sql: ({ reason }) => reason,
    'served-elsewhere': ({ by, reason }) =>
      `der Client musste zu ${by} ausweichen${reason === '' ? '' : `: ${reason}`}`,
    late: ({ afterMs, limitMs }) => `das Geschriebene war erst nach ${afterMs} ms da, erlaubt: ${limitMs}`,
    'never-readable': ({ afterMs }) => `das Geschriebene war nach ${afterMs} ms nicht da`,
    'write-accepted': () => 'der Server hat einen Schreibvorgang angenommen und sollte ein Standby sein',
    'not-tidied': ({ reason }) => `das Schema schooldb_verify ist noch in der Datenbank: ${reason}`,
  },
  remedies: {
    'node-missing': ({ node }) => `K3s auf ${node} starten und beitreten lassen, ${AGAIN}`,
    'node-not-ready': ({ node }) =>
      `Siehe 'kubectl describe node ${node}' und dort 'journalctl -u k3s', ${AGAIN}`,
    obstacle: () =>
      `'kubectl get events' sagt, was im Weg ist; 'deploy:lab apply' legt an, was fehlt, und wartet darauf, ${AGAIN}`,
    'no-primary': () =>
      `Siehe die Protokolle der Pods: Erreicht Patroni die Kubernetes-API, und ist ein Mitglied ganz genug, um zu führen?`,
    'several-primaries': () =>
      `Zwei Primarys nehmen Schreibvorgänge an, die einer von beiden verliert: die Apps anhalten und 'patronictl list' in einem der Pods ansehen.`,
    'member-missing': () =>
      `Siehe 'kubectl describe' des StatefulSets und seines neuesten Pods: Gibt es Speicher, ein Volume, das Image?`,
    'member-state': ({ pod }) =>
      `Siehe 'kubectl logs ${pod}'; eine Basissicherung braucht ihre Zeit, ${AGAIN}`,
    'member-timeline': ({ pod }) =>
      `Patroni behebt das selbst; bleibt es so, hilft 'patronictl reinit' für ${pod}.`,
    'member-behind': ({ pod }) =>
      `Siehe 'kubectl logs ${pod}': Platte oder Netz seines Nodes sind langsam, oder eine lange Abfrage hält ihn auf.`,
    'nobody-confirms': () =>
      `Ein Failover kann jetzt Schreibvorgänge verlieren. Siehe, ob die Standbys empfangen ('deploy:lab status').`,
    'secret-incomplete': () => `'deploy:lab apply' füllt es, ${AGAIN}`,
    unreachable: () => `${NETWORK} ${AGAIN}`,
    'no-tls': () => `'deploy:lab apply' gibt den Servern ihr Zertifikat; haben sie es, die Pods neu starten.`,
    certificate: () =>
      `Pods lesen ein neues Zertifikat binnen 5 Minuten, Pooler beim Neustart. Ist es die Adresse eines anderen Clusters? Danach erneut prüfen.`,
    'other-version': () => `cluster.postgres so setzen, wie es ist, oder den Cluster aktualisieren.`,
    'setting-differs': () =>
      `'deploy:lab apply' setzt es; was einen Neustart braucht, startet Patroni neu, ein Mitglied nach dem anderen, ${AGAIN}`,
    'helper-schema-missing': () => `'deploy:lab apply --only helper-schema' richtet es ein, ${AGAIN}`,
    busy: () => `Warten, bis das vorbei ist, ${AGAIN}`,
    'scratch-taken': () =>
      `Umbenennen oder löschen: verify braucht den Namen und rührt nie an, was nicht von ihm ist.`,
    sql: () => `Siehe das Protokoll des Servers ('kubectl logs' des Primary-Pods), ${AGAIN}`,
    'served-elsewhere': () => NETWORK.replace(/;$/, '.'),
    late: () =>
      `Siehe 'deploy:lab status' für den Rückstand der Standbys; die Grenze ist limits.replicaReadMs.`,
    'never-readable': () => `Siehe 'deploy:lab status': Die Replikation zu einem Standby steht.`,
    'write-accepted': () =>
      `Die Replica-Adresse führt zu einem Primary: siehe die Labels 'spilo-role' der Pods.`,
    'not-tidied': () => `Das nächste verify löscht es.`,
  },
  gaps: {
    needs: ({ check }) => `braucht, was '${CHECKS[check]}' ansieht`,
    'no-standby': () => 'das Lab hat keinen Standby',
    'is-a-drill': () => "'deploy:lab drill failover' probt ihn, was die Apps für einen Moment unterbricht",
    'needs-hosts': () => 'jeden Server einmal anzuhalten braucht die Hosts, die deploy noch nicht erreicht',
    'needs-backup': () => 'Sicherung und Wiederherstellung gibt es noch nicht',
  },
  taking: (seconds) => `  sieht noch nach: Die Datenbank darf für jede Antwort bis zu ${seconds} s brauchen`,
  passed: (ok, notChecked) => `Alles in Ordnung: ${ok} Prüfungen bestanden, ${notChecked} ungeprüft.`,
  failed: (failed, notChecked) =>
    `${failed} ${failed === 1 ? 'Prüfung ist' : 'Prüfungen sind'} fehlgeschlagen, ${notChecked} ungeprüft.`,
};
