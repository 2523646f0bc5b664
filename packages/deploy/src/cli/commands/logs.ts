import { DeployError } from '../../errors/deploy-error.ts';
import { followLogs } from '../../operations/logs/follow-logs.ts';
import type { FollowEvent } from '../../operations/logs/follow-logs.ts';
import { readHide } from '../../operations/logs/hide-secrets.ts';
import type { Hide } from '../../operations/logs/hide-secrets.ts';
import { findLogPods, LOG_SOURCES, logSource } from '../../operations/logs/log-source.ts';
import type { LogSource, LogSourceName } from '../../operations/logs/log-source.ts';
import { readLogs } from '../../operations/logs/read-logs.ts';
import type { LogRange, PodLine } from '../../operations/logs/read-logs.ts';
import { UsageError } from '../command.ts';
import type { Command, Output } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import { LOGS_TEXTS } from '../logs-texts.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLI_TEXTS, failureText } from '../texts.ts';
import { withCluster } from '../with-cluster.ts';
import type { OperatedCluster } from '../with-cluster.ts';
import { KUBECONFIG } from './shared-options.ts';

interface LogsOptions extends ClusterOptions {
  readonly tail?: string;
  readonly since?: string;
  readonly follow?: boolean;
}

const TAIL = '100';
const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
const names = LOG_SOURCES.join(', ');

export const logs: Command<LogsOptions> = {
  name: 'logs',
  about: {
    de: 'die letzten Zeilen der Logs zeigen, Passwörter und Schlüssel verdeckt',
    en: 'show the last lines of the logs, passwords and keys hidden',
  },
  arguments: [
    {
      word: { de: 'Wovon', en: 'of' },
      about: { de: `${names} (sonst database)`, en: `${names} (default: database)` },
      isOptional: true,
    },
  ],
  options: [
    KUBECONFIG,
    {
      name: 'tail',
      value: { de: 'Zahl', en: 'number' },
      about: {
        de: `so viele Zeilen je Pod, 0 bis 1000000 (sonst ${TAIL})`,
        en: `so many lines of each pod, 0 to 1000000 (default: ${TAIL})`,
      },
    },
    {
      name: 'since',
      value: { de: 'Dauer', en: 'duration' },
      about: {
        de: 'nichts Älteres: 30s, 10m, 2h, 1d',
        en: 'nothing that is older: 30s, 10m, 2h, 1d',
      },
    },
    {
      name: 'follow',
      about: {
        de: 'auch was noch geschrieben wird, neue Pods eingeschlossen, bis Strg-C',
        en: 'also what is still to be written, new pods included, until Ctrl-C',
      },
    },
  ],
  run({ tail = TAIL, since, follow = false, ...options }, session, output, name = 'database') {
    const texts = LOGS_TEXTS[options.language];
    if (!isSource(name)) throw new UsageError(texts.badSource(name, names));
    if (!/^\d{1,7}$/.test(tail) || Number(tail) > 1_000_000) throw new UsageError(texts.badTail(tail));
    const sinceSeconds = since === undefined ? undefined : secondsOf(since);
    if (Number.isNaN(sinceSeconds)) throw new UsageError(texts.badSince(since ?? ''));
    const range = { tail: Number(tail), sinceSeconds };
    return withCluster(options, session, output, async (cluster) => {
      const source = logSource(name, cluster.lab);
      return follow
        ? followAll(cluster, source, range, options, output)
        : showLast(cluster, source, range, options, output);
    });
  },
};

async function showLast(
  { kube, lab }: OperatedCluster,
  source: LogSource,
  range: LogRange,
  { language }: LogsOptions,
  output: Output,
): Promise<ExitCode> {
  const pods = await findLogPods(kube, source);
  const { namespace } = source;
  if (pods.length === 0) throw new DeployError({ code: 'no-pods', what: source.name, namespace });
  const hide = await readHide(kube, lab, namespace);
  const { lines, failures } = await readLogs(kube, pods, range);
  for (const line of lines) output.out(shown(line, hide, pods.length > 1));
  for (const { failure } of failures) output.err(`deploy:lab: ${failureText(CLI_TEXTS[language], failure)}`);
  return failures.length === 0 ? EXIT.ok : EXIT.failed;
}

async function followAll(
  { kube, lab, connection, pace, signal }: OperatedCluster,
  source: LogSource,
  range: LogRange,
  { language }: LogsOptions,
  output: Output,
): Promise<never> {
  const texts = LOGS_TEXTS[language];
  const seen = new Set<string>();
  let hide: Hide = (line) => line;
  const report = (event: FollowEvent): void => {
    if (event.type === 'line') output.out(shown(event, hide, seen.size > 1));
    else if (event.type === 'trouble')
      output.err(`deploy:lab: ${failureText(CLI_TEXTS[language], event.error.failure)} ${texts.goesOn()}`);
    else if (event.type === 'pod:gone') output.err(texts.gone(event.pod.name));
    else {
      seen.add(event.pod.name);
      if (event.isNew) output.err(texts.followed(event.pod.name));
    }
  };
  // Each time: a password may have been changed meanwhile.
  const refresh = async (): Promise<void> => {
    hide = await readHide(kube, lab, source.namespace);
  };
  const { pollMs } = pace;
  return followLogs({ kube, connection, source, range, pollMs, signal, refresh, report });
}

function shown({ pod, line }: PodLine, hide: Hide, isNamed: boolean): string {
  const text = hide(line.text);
  return isNamed ? `${pod.name}: ${text}` : text;
}

function isSource(name: string): name is LogSourceName {
  return (LOG_SOURCES as readonly string[]).includes(name);
}

function secondsOf(duration: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(duration) ?? [];
  const seconds = Number(count) * SECONDS[(unit ?? 's') as keyof typeof SECONDS];
  return seconds > 0 ? seconds : Number.NaN;
}
