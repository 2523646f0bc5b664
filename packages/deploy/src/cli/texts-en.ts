import { causeOf } from '../errors/kube-refusal.ts';
import type { RefusalCause } from '../errors/kube-refusal.ts';
import { sentence } from './cli-texts.ts';
import type { CliTexts } from './cli-texts.ts';
import { OPERATION_FAILURES_EN } from './operation-failures-en.ts';
import { CLUSTER_TEXTS_EN, obstacleText, remedyText, waitText } from './cluster-texts-en.ts';

/** Why, and what to do. */
const AUTHORITY = {
  unreadable:
    'its files are not PEM, or the key has a passphrase. Give both as PEM, the key without a passphrase.',
  'no-authority': 'its certificate is not that of an authority. Give one with CA:TRUE.',
  'other-key': 'the key belongs to another certificate. Give the two that belong together.',
  'kind-of-key': 'its key is of a kind that is not supported. Give RSA, P-256 or P-384.',
  'expires-first':
    'it expires before the certificate would. Lower tls.certificateDays, or renew the authority.',
} as const;

const KUBECONFIG = {
  unreadable: 'it is no YAML of that kind. Copy it anew from the server.',
  'no-context': "it has no current context. Choose one with 'kubectl config use-context'.",
  'no-cluster': 'the cluster of its context is missing. Copy it anew from the server.',
  'no-user': 'the user of its context is missing. Copy it anew from the server.',
  'no-https': 'the address of its server is not https://. Secrets are only sent encrypted.',
} as const;

export const CLI_TEXTS_EN: CliTexts = {
  program: "The database's cluster on the school's machines, from one lab.yaml",
  titles: {},
  help: 'show this help',
  exitCodes:
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the lab.yaml has mistakes, 11 another run is changing the cluster, 12 the cluster differs from the lab.yaml, 13 a drill has missed a limit, 130 stopped.',
  lab: "the lab.yaml (default: the school's, which is shipped with this package)",
  lang: 'language of all messages: de or en (default: by LC_ALL, LC_MESSAGES or LANG)',
  words: {
    options: '[options]',
    command: '[command]',
    language: '<language>',
  },
  usage: {
    unknownOption: (option) => `there is no option ${option}; --help shows them`,
    unknownCommand: (command, allowed) => `there is no command '${command}'; allowed: ${allowed}`,
    missingArgument: (argument) => `the argument ${argument} is missing; --help shows it`,
    excessArguments: () => 'too many arguments; --help shows them',
    optionWithoutValue: (option) => `the option ${option} needs a value`,
    badLanguage: (given) => `'${given}' is not a language of this program; allowed: de, en`,
  },
  good: (file, { cluster, instances, nodes, profile }) =>
    `${file} is right: cluster ${cluster}, ${instances} ${instances === 1 ? 'instance' : 'instances'} on ${nodes} nodes, profile ${profile}.`,
  problems: (count, file) => `${count} ${count === 1 ? 'mistake' : 'mistakes'} in ${file}.`,
  logEnd: (exitCode) => `End with exit code ${exitCode}.`,
  logAt: (path) => `Log of this run: ${path}`,
  noLog: (path) =>
    `There will be no log of this run, ${path === 'HOME' ? 'HOME is not set' : `${path} cannot be written`}; --log FILE names a place.`,
  rendered: (files, objects, directory) => `${objects} objects in ${files} files are in ${directory}.`,
  warnings: {
    'datastore-is-one-machine': (found) =>
      `Warning: when ${found.host} dies the Kubernetes API goes with it, and the database may turn read-only. The profile embedded-etcd does without it.`,
    'more-instances-than-nodes': (found) =>
      `Warning: ${found.instances} instances on ${found.nodes} nodes share machines. They add reading capacity, not safety.`,
    asynchronous: () =>
      'Warning: without synchronous replication a failover may lose writes that were acknowledged.',
  },
  failures: {
    ...OPERATION_FAILURES_EN,
    'authority-unusable': ({ reason }) => `tls.authority cannot sign the certificate: ${AUTHORITY[reason]}`,
    'cannot-read': (found) => `${found.path} cannot be read (${found.reason}). Is the path right?`,
    'cannot-write': (found) =>
      `${found.path} cannot be written (${found.reason}). Is the path right, and is there room?`,
    'directory-in-use': (found) =>
      `${found.directory} holds something else (${listed(found.strangers)}). Name a new or an empty directory.`,
    'chart-missing': (found) =>
      `${found.directory} lacks ${found.files.join(', ')}. Fetch them with 'helm pull' where there is internet, or set charts.source to repository.`,
    'kubeconfig-missing': (found) =>
      `There is no kubeconfig (looked at ${found.tried.join(', ')}). Give --kubeconfig FILE; on a server K3s keeps its own in /etc/rancher/k3s/k3s.yaml.`,
    'kubeconfig-unusable': ({ path, reason }) => `${path} is no usable kubeconfig: ${KUBECONFIG[reason]}`,
    'kube-unreachable': (found) =>
      `The Kubernetes API at ${found.server} cannot be reached (${found.reason}, ${found.attempts} ${found.attempts === 1 ? 'attempt' : 'attempts'}). Is the address in the kubeconfig right, and does the server run? What was applied stays; run the same again.`,
    'kube-refused': ({ resource, status, message }) =>
      `The Kubernetes API refuses ${resource} (${status}): ${sentence(message)} ${REFUSAL_REMEDIES[causeOf({ status, message })]}`,
    conflict: ({ resource, owners }) =>
      `${resource} has fields that belong to others: ${owners.map(({ manager, fields }) => `${fields.join(', ')} to ${manager}`).join('; ')}. ${CLUSTER_TEXTS_EN.inConflict([resource])}`,
    'webhook-silent': ({ resource, seconds, message }) =>
      `${resource} could not be applied for ${seconds} s: the webhook that checks it does not answer (${message}). Do its pods run ('kubectl -n metallb-system get pods')? Then apply again.`,
    'waited-in-vain': ({ wait, obstacle, seconds }) =>
      `Waited ${seconds} s for ${waitText(wait)}: ${obstacleText(obstacle)}. ${remedyText(wait)}`,
    locked: (found) =>
      `Another run is changing this cluster: ${found.holder}, since ${instantText(found.sinceMs)}, last sign of life ${found.silentSeconds} s ago. Wait until it is done, or stop it there with Ctrl-C. If it is dead, its lock ends by itself in ${found.endsInSeconds} s. Then run the same again.`,
    'lock-lost': ({ holder }) =>
      `This run has stood still for too long, and ${holder} has the cluster's lock by now. What was applied stays. Wait until the other run is done, then run the same again.`,
    'secret-missing': ({ secret, key, from }) =>
      `Secret ${secret} gets no ${key}: ${from} is missing or empty. Provide it and apply again.`,
  },
};

/** What to do about it. */
const REFUSAL_REMEDIES: Readonly<Record<RefusalCause, string>> = {
  'not-allowed': 'Does the kubeconfig belong to an administrator, and has it not expired?',
  'webhook-silent':
    "Do the pods run that are to answer there ('kubectl get pods -A')? Run the same again then.",
  contested: 'Something else writes it at the same time, again and again. Find it, and run the same again.',
  server:
    "It was tried several times. 'kubectl get --raw /readyz?verbose' says what the server lacks. What was applied stays; run the same again.",
  other: 'What was applied stays. Mend that in the lab.yaml or in the cluster, and run the same again.',
};

function instantText(ms: number): string {
  return new Date(ms).toLocaleString('en-GB');
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
