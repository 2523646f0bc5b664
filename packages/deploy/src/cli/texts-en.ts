import type { CliTexts } from './cli-texts.ts';

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

export const CLI_TEXTS_EN: CliTexts = {
  program: "The database's cluster on the school's machines, from one lab.yaml",
  titles: {},
  help: 'show this help',
  exitCodes: 'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the lab.yaml has mistakes.',
  lab: "the lab.yaml (default: the school's, which is shipped with this package)",
  lang: 'language of all messages: de or en (default: by LC_ALL, LC_MESSAGES or LANG)',
  check: 'check a lab.yaml and name every mistake in it',
  render: 'write what would be applied to a directory, as YAML, without any secret',
  renderDirectory: 'a new or empty directory, or one that an earlier rendering has written',
  words: {
    options: '[options]',
    command: '<command>',
    file: '<file>',
    language: '<language>',
    directory: '<dir>',
  },
  usage: {
    unknownOption: (option) => `there is no option ${option}; --help shows them`,
    unknownCommand: (command, allowed) => `there is no command '${command}'; allowed: ${allowed}`,
    missingCommand: (allowed) => `a command is missing; allowed: ${allowed}`,
    missingArgument: (argument) => `the argument ${argument} is missing; --help shows it`,
    excessArguments: () => 'too many arguments; --help shows them',
    optionWithoutValue: (option) => `the option ${option} needs a value`,
    badLanguage: (given) => `'${given}' is not a language of this program; allowed: de, en`,
  },
  good: (file, { cluster, instances, nodes, profile }) =>
    `${file} is right: cluster ${cluster}, ${instances} ${instances === 1 ? 'instance' : 'instances'} on ${nodes} nodes, profile ${profile}.`,
  problems: (count, file) => `${count} ${count === 1 ? 'mistake' : 'mistakes'} in ${file}.`,
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
    'authority-unusable': ({ reason }) => `tls.authority cannot sign the certificate: ${AUTHORITY[reason]}`,
    'cannot-read': (found) => `${found.path} cannot be read (${found.reason}). Is the path right?`,
    'cannot-write': (found) =>
      `${found.path} cannot be written (${found.reason}). Is the path right, and is there room?`,
    'directory-in-use': (found) =>
      `${found.directory} holds something else (${listed(found.strangers)}). Name a new or an empty directory.`,
    'chart-missing': (found) =>
      `${found.directory} lacks ${found.files.join(', ')}. Fetch them with 'helm pull' where there is internet, or set charts.source to repository.`,
  },
};

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
