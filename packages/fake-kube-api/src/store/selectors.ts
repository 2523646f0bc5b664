import { badRequest } from '../objects/api-error.ts';
import { at, recordsAt, stringsAt } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';

export type Matches = (object: KubeObject) => boolean;

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k`, as clients write it in `labelSelector`. */
export function labelSelector(text: string): Matches {
  const terms = text
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== '')
    .map(labelTerm);
  return (object) => terms.every((matches) => matches(object.metadata.labels ?? {}));
}

type MatchesLabels = (labels: Readonly<Record<string, string>>) => boolean;

const KEY = String.raw`[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?`;
const SET_TERM = new RegExp(`^(?<key>${KEY})\\s+(?<operator>in|notin)\\s*\\((?<values>[^)]*)\\)$`);
const EQUAL_TERM = new RegExp(`^(?<key>${KEY})\\s*(?<operator>==?|!=)\\s*(?<value>[-A-Za-z0-9_.]*)$`);
const EXISTS_TERM = new RegExp(`^(?<not>!?)\\s*(?<key>${KEY})$`);

function labelTerm(term: string): MatchesLabels {
  const set = SET_TERM.exec(term)?.groups;
  if (set !== undefined) {
    const { key = '', operator, values = '' } = set;
    const wanted = values.split(',').map((value) => value.trim());
    return operator === 'in' ? isIn(key, wanted) : (labels) => !isIn(key, wanted)(labels);
  }
  const equal = EQUAL_TERM.exec(term)?.groups;
  if (equal !== undefined) {
    const { key = '', operator, value = '' } = equal;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const exists = EXISTS_TERM.exec(term)?.groups;
  if (exists !== undefined) {
    const { not, key = '' } = exists;
    return (labels) => (labels[key] !== undefined) === (not === '');
  }
  throw badRequest(`unable to parse requirement: found '${term}', expected: a label selector`);
}

function isIn(key: string, wanted: readonly string[]): MatchesLabels {
  return (labels) => labels[key] !== undefined && wanted.includes(labels[key]);
}

/** A selector object, as in `spec.selector` or in MetalLB's `serviceSelectors`; an empty one matches everything. */
export function matchesSelector(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(stringsAt(selector, 'matchLabels'));
  return (
    wanted.every(([key, value]) => labels[key] === value) &&
    recordsAt(selector, 'matchExpressions').every(({ key, operator, values }) => {
      const value = labels[String(key)];
      const isAmong = value !== undefined && Array.isArray(values) && values.includes(value);
      switch (operator) {
        case 'In':
          return isAmong;
        case 'NotIn':
          return !isAmong;
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}

/** Fields by which built-in kinds can be selected, beside name and namespace. */
const SELECTABLE: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  Secret: ['type'],
  Namespace: ['status.phase'],
  Node: ['spec.unschedulable'],
  Job: ['status.successful'],
  ReplicaSet: ['status.replicas'],
  Service: ['spec.clusterIP', 'spec.type'],
};

/** `metadata.name=x,status.phase!=Running`, as clients write it in `fieldSelector`. */
export function fieldSelector(text: string, kind: string): Matches {
  const terms = text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const {
        field = '',
        operator,
        value = '',
      } = /^(?<field>[^=!]+)(?<operator>==?|!=)(?<value>.*)$/.exec(term)?.groups ?? {};
      if (operator === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      const allowed = ['metadata.name', 'metadata.namespace', ...(SELECTABLE[kind] ?? [])];
      if (!allowed.includes(field)) throw badRequest(`field label not supported: ${field}`);
      return (object: KubeObject) => {
        const found = at(object, ...field.split('.'));
        const isEqual = valueText(found) === value;
        return isEqual === (operator !== '!=');
      };
    });
  return (object) => terms.every((matches) => matches(object));
}

/** What a field selector compares with: nothing is an empty text. */
function valueText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
