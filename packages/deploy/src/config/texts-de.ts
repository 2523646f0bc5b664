import type { ExpectedType, SyntaxReason, Texts } from './problem.ts';

const TYPES: Record<ExpectedType, string> = {
  text: 'ein Text',
  number: 'eine Zahl',
  'whole-number': 'eine ganze Zahl',
  boolean: 'true oder false',
  list: 'eine Liste',
  map: 'eine Zuordnung von Schlüsseln zu Werten',
};
const REASONS: Record<SyntaxReason, readonly [wrong: string, remedy: string]> = {
  tab: ['mit einem Tabulator eingerückt', 'mit Leerzeichen einrücken'],
  indentation: ['die Einrückung passt nicht zu ihrer Umgebung', 'was zusammengehört, gleich weit einrücken'],
  unfinished: [
    'hier oder auf einer Zeile davor fehlt ein Anführungszeichen, eine Klammer, ein Doppelpunkt oder ein Komma',
    'ergänzen',
  ],
  documents: ['die Datei enthält mehrere Dokumente', 'eines behalten, ohne Zeilen mit ---'],
  alias: ['ein Alias führt ins Leere oder zu sich selbst', 'den Wert selbst schreiben'],
  other: ['ab hier nicht lesbar', 'die Zeile mit der mitgelieferten lab.yaml vergleichen'],
};
const REFERENCES = 'generated, { file: PFAD } oder { environment: VARIABLE }';
const isNot = (given: string | undefined, what: string) => `${given ?? 'der Wert'} ist ${what}`;

export const TEXTS_DE: Texts = {
  syntax: ({ reason }) => [`nicht als YAML lesbar: ${REASONS[reason][0]}`, REASONS[reason][1]],
  'key-twice': () => ['ist doppelt vorhanden', 'eines von beiden löschen'],
  'not-a-map': () => [
    'die Datei ist keine Zuordnung von Schlüsseln zu Werten',
    'mit der mitgelieferten lab.yaml beginnen',
  ],
  missing: ({ shipped }) => [
    'fehlt',
    shipped === undefined
      ? 'aus der mitgelieferten lab.yaml übernehmen'
      : `ergänzen; in der mitgelieferten lab.yaml steht hier ${shipped}`,
  ],
  empty: () => ['hat keinen Wert', 'einen angeben, oder die Zeile löschen, wo sie fehlen darf'],
  'wrong-type': ({ given, expected }) => [
    isNot(given, `nicht ${TYPES[expected]}`),
    `erwartet wird ${TYPES[expected]}`,
  ],
  'unknown-key': ({ nearest, allowed }) => [
    `ist hier nicht bekannt${nearest === undefined ? '' : `; ist '${nearest}' gemeint?`}`,
    `erlaubt: ${allowed.join(', ')}`,
  ],
  'not-allowed': ({ given, allowed }) => [
    `${given ?? 'der Wert'} ist nicht erlaubt`,
    `erlaubt: ${allowed.join(', ')}`,
  ],
  'out-of-bounds': ({ given, least, most }) => [
    `${given ?? 'der Wert'} liegt außerhalb der Grenzen`,
    [least === undefined ? '' : `mindestens ${least}`, most === undefined ? '' : `höchstens ${most}`]
      .filter(Boolean)
      .join(', '),
  ],
  'too-long': ({ given, length, most }) => [
    `${given ?? 'der Wert'} hat ${length} Zeichen`,
    `höchstens ${most} verwenden: Der Operator bildet daraus längere Namen, die Kubernetes ablehnen würde`,
  ],
  'empty-list': () => ['ist eine leere Liste', 'mindestens einen Eintrag angeben'],
  'not-an-address': ({ given }) => [isNot(given, 'keine IPv4-Adresse'), 'so schreiben: 10.0.145.135'],
  'not-a-network': ({ given }) => [isNot(given, 'kein IPv4-Netz'), 'so schreiben: 10.0.145.0/24'],
  'not-a-range': ({ given }) => [
    isNot(given, 'kein Bereich von IPv4-Adressen'),
    'so schreiben: 10.0.145.130-10.0.145.149',
  ],
  'not-a-memory': ({ given }) => [isNot(given, 'keine Speichermenge'), 'so schreiben: 512Mi oder 10Gi'],
  'not-a-cpu': ({ given }) => [
    isNot(given, 'keine CPU-Menge'),
    "so schreiben: 250m (ein Viertel) oder, in Anführungszeichen, '1'",
  ],
  'not-a-label': ({ given }) => [
    isNot(given, 'kein Name, den Kubernetes annimmt'),
    'a-z, 0-9 und innen Bindestriche verwenden, höchstens 63 Zeichen',
  ],
  'not-a-cluster-name': ({ given }) => [
    isNot(given, 'kein Clustername, den der Operator annimmt'),
    'mit a-z beginnen, dann a-z, 0-9 und Bindestriche, am Ende kein Bindestrich',
  ],
  'not-a-role': ({ given }) => [
    isNot(given, 'kein Name, den der Operator für Rollen und Datenbanken annimmt'),
    'mit a-z beginnen, dann a-z, 0-9 und innen Binde- und Unterstriche, höchstens 63 Zeichen',
  ],
  'not-a-path': ({ given }) => [isNot(given, 'kein Pfad'), 'den Pfad eines Ordners in einer Zeile angeben'],
  'not-a-line': ({ given }) => [isNot(given, 'kein Benutzername'), 'eine Zeile ohne Kommas angeben'],
  'not-a-share': ({ given }) => [isNot(given, 'keine SMB-Freigabe'), 'so schreiben: //10.0.145.113/backups'],
  'not-a-window': ({ given }) => [
    isNot(given, 'kein Wartungsfenster'),
    'so schreiben: Sun:01:00-04:00, in UTC',
  ],
  'not-a-setting': () => [
    'ist kein Wert für eine Einstellung von PostgreSQL',
    'eine Zahl, true, false oder einen einzeiligen Text angeben',
  ],
  'not-a-secret-reference': () => [
    'ist kein Verweis auf ein Geheimnis (der Wert wird nicht gezeigt)',
    `${REFERENCES} schreiben; ein Lab enthält nie das Geheimnis selbst, und eines, das hier stand, sollte geändert werden`,
  ],
  'not-an-authority-reference': () => [
    'ist kein Verweis auf eine Zertifizierungsstelle (der Wert wird nicht gezeigt)',
    'generated oder { certificateFile: PFAD, keyFile: PFAD } schreiben',
  ],
  'host-bits-set': ({ given, network }) => [
    `${given} ist eine Adresse in einem Netz, kein Netz`,
    `${network} schreiben`,
  ],
  'range-reversed': ({ given }) => [
    `${given} endet, bevor es beginnt`,
    'die kleinere Adresse zuerst schreiben; MetalLB lehnt dies ab',
  ],
  'outside-pool': ({ given, pool }) => [
    `${given} liegt außerhalb von network.addressPool, ${pool}`,
    'eine Adresse aus dem Bereich wählen oder den Bereich erweitern',
  ],
  'inside-pool': ({ given, pool }) => [
    `${given} liegt in network.addressPool, ${pool}, den MetalLB an Dienste vergibt`,
    'dem Rechner eine andere Adresse oder dem Bereich andere Grenzen geben',
  ],
  'outside-subnet': ({ given, subnet }) => [
    `${given} liegt außerhalb von network.subnet, ${subnet}`,
    'innerhalb des Subnetzes wählen: Adressen werden per ARP bekannt gemacht, das es nicht verlässt',
  ],
  'not-assignable': ({ given, subnet }) => [
    `${given} enthält die Netz- oder die Broadcast-Adresse (${subnet})`,
    'Adressen dazwischen wählen',
  ],
  'address-taken': ({ given, by }) => [
    `${given} ist schon die Adresse von ${by}`,
    'jedem eine eigene Adresse geben',
  ],
  'open-to-the-world': ({ given, subnet }) => [
    `${given} lässt Fremde aus dem ganzen Internet herein`,
    `die Netze der Clients nennen${subnet === undefined ? '' : `, zum Beispiel ${subnet}`}`,
  ],
  'network-twice': ({ given, by }) => [`${given} ist schon in ${by} enthalten`, 'eines von beiden löschen'],
  'networks-overlap': ({ given, other, by }) => [
    `${given} überschneidet sich mit ${by}, ${other}`,
    'eines wählen, das nirgends sonst verwendet wird, oder das andere verkleinern',
  ],
  'pod-network-size': ({ given, least, most }) => [
    `${given} hat keine Größe, die K3s auf die Nodes verteilen kann, von denen jeder ein /24 bekommt`,
    `eines von /${least} bis /${most} angeben`,
  ],
  'no-server': () => ['kein Rechner ist ein Server', 'mindestens einem Rechner die Rolle server geben'],
  'servers-for-etcd': ({ count }) => [
    `embedded-etcd mit ${count} ${count === 1 ? 'Server' : 'Servern'}: etcd braucht eine ungerade Zahl, mindestens drei`,
    'Agents zu Servern machen oder das Profil external-postgres verwenden',
  ],
  'one-services-host': ({ count }) => [
    `${count === 0 ? 'kein Rechner hat' : `${count} Rechner haben`} die Rolle services`,
    'sie genau einem geben: Er trägt den Load-Balancer der API, den Datenspeicher von external-postgres und die Backups',
  ],
  'longhorn-on-lxc': ({ hosts }) => [
    `Longhorn läuft nicht in LXC (${hosts.join(', ')}): Es braucht das Kernelmodul iscsi_tcp und ein eigenes iscsid`,
    'auf false setzen und bei local-path-retain bleiben, oder diese Rechner auf VMs umziehen',
  ],
  'longhorn-not-installed': () => [
    'longhorn ist nicht installiert',
    'addons.longhorn auf true setzen oder local-path-retain verwenden',
  ],
  'smb-on-unprivileged-lxc': ({ hosts }) => [
    `ein unprivilegierter Container kann SMB nicht einhängen (${hosts.join(', ')})`,
    'addons.smb löschen, oder die Container privilegiert machen, mit features: mount=cifs',
  ],
  'charts-without-directory': () => [
    'fehlt, und charts.source ist directory',
    'den Ordner nennen, in dem die Charts liegen',
  ],
  'charts-directory-unused': () => [
    'wird nicht verwendet, weil charts.source repository ist',
    'löschen, oder charts.source auf directory setzen',
  ],
  'reserved-name': ({ given, reserved }) => [
    `${given} ist reserviert`,
    `einen anderen Namen wählen als ${reserved.join(', ')}`,
  ],
  'too-few-for-instances': ({ given, needed, instances }) => [
    `${given} ist zu wenig für ${instances} Instanzen`,
    `mindestens ${needed} setzen: für jede eines, und 5 bleiben frei; die Änderung braucht einen Neustart, also vor dem Vergrößern`,
  ],
  'memory-short': (shortage) => short('Speicher', shortage),
  'cpu-short': (shortage) => short('CPU', shortage),
  'request-over-limit': ({ given, limit }) => [
    `${given} angefordert, aber nur ${limit} erlaubt`,
    'die Grenze erhöhen oder die Anforderung senken',
  ],
  'nobody-to-confirm': ({ given, instances }) => [
    `${given} synchrone Standbys, aber von ${instances} Instanzen ${instances - 1 === 1 ? 'kann nur 1 einer' : `können nur ${instances - 1} welche`} sein`,
    'Instanzen hinzufügen, synchronousNodes senken, oder synchronous auf false setzen und hinnehmen, dass ein Failover Geschriebenes verlieren kann',
  ],
  'strict-without-synchronous': () => [
    'ist true, während synchronous false ist',
    'synchronous auf true setzen oder dies auf false',
  ],
  'patroni-timing': ({ ttl, loopWait, retryTimeout }) => [
    `${ttl} ist weniger als loopWaitSeconds + 2 × retryTimeoutSeconds = ${loopWait + 2 * retryTimeout}`,
    'ttlSeconds erhöhen oder die anderen senken: Der Primary verlöre die Führung, während er noch versucht, sie zu behalten',
  ],
  'pooler-over-connections': ({ given, most, maxConnections }) => [
    `${given} Verbindungen des Poolers bei max_connections ${maxConnections}`,
    `höchstens ${most} setzen: 20 bleiben für Replikation, Operator, direkte Clients und Superuser`,
  ],
  'setting-not-yours': ({ setting }) => [
    `${setting} wird von Patroni, vom Operator oder von diesem Lab gesetzt`,
    'löschen',
  ],
  'failover-before-ttl': ({ given, ttlSeconds }) => [
    `ein Failover binnen ${given} ms, während die Führung eines toten Primary ${ttlSeconds} s lang gilt`,
    `mehr als ${ttlSeconds * 1_000} setzen oder cluster.patroni.ttlSeconds verkleinern`,
  ],
  'setting-unsafe': ({ setting, given, safe }) => [
    `${setting} = ${given} bricht, was dieser Cluster verspricht`,
    `${safe} verwenden oder die Zeile löschen`,
  ],
};

function short(
  what: string,
  { host, instances, poolers, needed, free, has }: Parameters<Texts['memory-short']>[0],
): readonly [string, string] {
  return [
    `${what} reicht auf ${host} nicht: Sein Anteil von ${instances} Instanzen und ${poolers} Poolern fordert ${needed} an, frei sind dafür ${free} von ${has}`,
    'weniger Instanzen verwenden, weniger anfordern oder Rechner hinzufügen',
  ];
}
