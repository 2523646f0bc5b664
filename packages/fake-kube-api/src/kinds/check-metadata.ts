import type { FieldProblem } from '../objects/api-error.ts';
import type { ObjectMeta } from '../objects/kube-object.ts';
import type { ResourceType } from './resource-type.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_1123 = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1123_WORDS =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035_WORDS =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

interface NameRule {
  readonly form: RegExp;
  readonly words: string;
  readonly longest: number;
}

function nameRule(group: string, kind: string): NameRule {
  // Roles may be called nearly anything.
  if (group === 'rbac.authorization.k8s.io')
    return { form: /^[^/%]+$/, words: "may not contain '/' or '%'", longest: 253 };
  if (group === '' && kind === 'Service') return { form: LABEL_1035, words: LABEL_1035_WORDS, longest: 63 };
  if (group === '' && kind === 'Namespace') return { form: LABEL_1123, words: LABEL_1123_WORDS, longest: 63 };
  return { form: SUBDOMAIN, words: SUBDOMAIN_WORDS, longest: 253 };
}

/** Names and labels, by the rules of the kind. */
export function checkMetadata(
  { name = '', labels = {} }: ObjectMeta,
  { group, kind }: ResourceType,
): FieldProblem[] {
  if (name === '')
    return [
      {
        reason: 'FieldValueRequired',
        field: 'metadata.name',
        message: 'Required value: name or generateName is required',
      },
    ];
  const problems: FieldProblem[] = [];
  const rule = nameRule(group, kind);
  const shown = JSON.stringify(name);
  if (!rule.form.test(name)) {
    problems.push({
      reason: 'FieldValueInvalid',
      field: 'metadata.name',
      message: `Invalid value: ${shown}: ${rule.words}`,
    });
  }
  if (name.length > rule.longest) {
    const why = `must be no more than ${rule.longest} characters`;
    problems.push({
      reason: 'FieldValueInvalid',
      field: 'metadata.name',
      message: `Invalid value: ${shown}: ${why}`,
    });
  }
  for (const [key, value] of Object.entries(labels)) {
    if (value.length > 63) {
      problems.push({
        reason: 'FieldValueInvalid',
        field: 'metadata.labels',
        message: `Invalid value: ${JSON.stringify(value)}: must be no more than 63 characters`,
      });
    } else if (!/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value)) {
      problems.push({
        reason: 'FieldValueInvalid',
        field: 'metadata.labels',
        message: `Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
      });
    }
    if (!/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(key)) {
      problems.push({
        reason: 'FieldValueInvalid',
        field: 'metadata.labels',
        message: `Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
      });
    }
  }
  return problems;
}
