import type { By } from '../../cli/cluster-texts.ts';
import type { Language } from '../../config/language.ts';
import type { Member } from '../members.ts';
import type { Warning } from './status.ts';

/** What `status` says. */
interface StatusTexts {
  readonly headings: Readonly<
    Record<'members' | 'poolers' | 'addresses' | 'volumes' | 'nodes' | 'warnings', string>
  >;
  readonly roles: Readonly<Record<Member['role'], string>>;
  readonly ready: string;
  readonly notReady: string;
  readonly closed: string;
  readonly confirms: string;
  readonly none: string;
  cluster(name: string, status: string | null, ready: number, wanted: number): string;
  timeline(timeline: number | undefined): string;
  lag(bytes: string): string;
  pods(ready: number, wanted: number): string;
  pinned(address: string): string;
  requested(what: 'cpu' | 'memory', requested: string, allocatable: string, free: string): string;
  readonly warnings: By<Exclude<Warning, { is: 'check' }>, 'is'>;
}

const DE: StatusTexts = {
  headings: {
    members: 'Mitglieder',
    poolers: 'Pooler',
    addresses: 'Adressen',
    volumes: 'Volumes',
    nodes: 'Nodes',
    warnings: 'Warnungen',
  },
  roles: { primary: 'Primary', standby: 'Standby', unknown: 'unbekannt' },
  ready: 'bereit',
  notReady: 'nicht bereit',
  closed: 'nimmt keine neuen Pods',
  confirms: 'bestätigt',
  none: 'keine',
  cluster: (name, status, ready, wanted) =>
    `${name}: ${status ?? 'nicht vorhanden'}, ${ready} von ${wanted} Instanzen bereit`,
  timeline: (timeline) => `Timeline ${timeline ?? '-'}`,
  lag: (bytes) => `${bytes} zurück`,
  pods: (ready, wanted) => `${ready} von ${wanted} Pods bereit`,
  pinned: (address) => `soll ${address} haben`,
  requested: (what, requested, allocatable, free) =>
    `${what === 'cpu' ? 'CPU' : 'Speicher'} ${requested} von ${allocatable} angefordert, ${free} frei`,
  warnings: {
    'shared-node': ({ node, pods }) =>
      `${pods.join(', ')} laufen auf demselben Node ${node} und fallen zusammen aus.`,
    'node-full': ({ node, what, ratio }) =>
      `Auf Node ${node} sind ${Math.round(ratio * 100)} % ${what === 'cpu' ? 'der CPU' : 'des Speichers'} angefordert.`,
    'volume-unbound': ({ claim, phase }) =>
      `PersistentVolumeClaim ${claim} ist ${phase}: siehe 'kubectl describe pvc ${claim}'.`,
  },
};

const EN: StatusTexts = {
  headings: {
    members: 'Members',
    poolers: 'Poolers',
    addresses: 'Addresses',
    volumes: 'Volumes',
    nodes: 'Nodes',
    warnings: 'Warnings',
  },
  roles: { primary: 'primary', standby: 'standby', unknown: 'unknown' },
  ready: 'ready',
  notReady: 'not ready',
  closed: 'takes no new pods',
  confirms: 'confirms',
  none: 'none',
  cluster: (name, status, ready, wanted) =>
    `${name}: ${status ?? 'not there'}, ${ready} of ${wanted} instances ready`,
  timeline: (timeline) => `timeline ${timeline ?? '-'}`,
  lag: (bytes) => `${bytes} behind`,
  pods: (ready, wanted) => `${ready} of ${wanted} pods ready`,
  pinned: (address) => `should have ${address}`,
  requested: (what, requested, allocatable, free) =>
    `${what === 'cpu' ? 'CPU' : 'memory'} ${requested} of ${allocatable} requested, ${free} free`,
  warnings: {
    'shared-node': ({ node, pods }) => `${pods.join(', ')} run on one node, ${node}, and will fail together.`,
    'node-full': ({ node, what, ratio }) =>
      `${Math.round(ratio * 100)} % of the ${what === 'cpu' ? 'CPU' : 'memory'} of node ${node} is requested.`,
    'volume-unbound': ({ claim, phase }) =>
      `PersistentVolumeClaim ${claim} is ${phase}: see 'kubectl describe pvc ${claim}'.`,
  },
};

export const STATUS_TEXTS: Record<Language, StatusTexts> = { de: DE, en: EN };
