import type { Language } from '../../config/language.ts';
import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import { DESTINATIONS, destinationOf } from '../../operations/forward/destinations.ts';
import type { DestinationName } from '../../operations/forward/destinations.ts';
import { forward as forwardPort } from '../../operations/forward/forward.ts';
import type { ForwardEvent } from '../../operations/forward/forward.ts';
import { say } from '../cluster-texts.ts';
import type { By } from '../cluster-texts.ts';
import { UsageError } from '../command.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLI_TEXTS, failureText } from '../texts.ts';
import { withCluster } from '../with-cluster.ts';
import { KUBECONFIG } from './shared-options.ts';

interface ForwardTexts {
  badDestination(given: string): string;
  badPort(given: string): string;
  how(name: DestinationName, port: number, lab: Lab): string;
  stop(): string;
  readonly events: By<Exclude<ForwardEvent, { type: 'connection:failed' | 'listening' }>, 'type'>;
}

/** The certificate bears the services' names, not this machine's address: libpq takes the two apart. */
function psql({ cluster }: Lab, port: number): string {
  const { name, database, user } = cluster;
  const tls = `sslmode=verify-full sslrootcert=${name}-ca.crt`;
  return `psql "host=${name} hostaddr=127.0.0.1 port=${port} dbname=${database} user=${user} ${tls}"`;
}

const TEXTS: Record<Language, ForwardTexts> = {
  de: {
    badDestination: (given) => `'${given}' ist kein Ziel; erlaubt: ${DESTINATIONS.join(', ')}`,
    badPort: (given) => `'${given}' ist kein Port; erlaubt: 0 bis 65535, 0 für einen freien`,
    how: (name, port, lab) =>
      name === 'db'
        ? `Die Datenbank ist auf 127.0.0.1:${port}, mit den Zugangsdaten aus 'deploy:lab credentials':\n  ${psql(lab, port)}`
        : `http://127.0.0.1:${port}`,
    stop: () => 'Strg-C beendet es.',
    events: {
      'pod:chosen': ({ pod }) => `Verbindungen führen zu Pod ${pod.namespace}/${pod.pod}.`,
      'pod:missing': ({ waitedMs }) =>
        `Eine Verbindung wurde geschlossen: Seit ${Math.round(waitedMs / 1_000)} s ist kein Pod bereit. Siehe 'deploy:lab status'.`,
    },
  },
  en: {
    badDestination: (given) => `'${given}' is no destination; allowed: ${DESTINATIONS.join(', ')}`,
    badPort: (given) => `'${given}' is no port; allowed: 0 to 65535, 0 for a free one`,
    how: (name, port, lab) =>
      name === 'db'
        ? `The database is at 127.0.0.1:${port}, with what 'deploy:lab credentials' says:\n  ${psql(lab, port)}`
        : `http://127.0.0.1:${port}`,
    stop: () => 'Ctrl-C ends it.',
    events: {
      'pod:chosen': ({ pod }) => `Connections lead to Pod ${pod.namespace}/${pod.pod}.`,
      'pod:missing': ({ waitedMs }) =>
        `A connection was closed: no pod has been ready for ${Math.round(waitedMs / 1_000)} s. See 'deploy:lab status'.`,
    },
  },
};

export const forward: Command<ClusterOptions & { readonly port?: string }> = {
  name: 'forward',
  about: {
    de: 'Datenbank, Oberfläche des Operators oder Longhorn auf einem Port dieses Rechners, bis Strg-C',
    en: "the database, the operator's UI or Longhorn at a port of this machine, until Ctrl-C",
  },
  arguments: [
    {
      word: { de: 'Ziel', en: 'destination' },
      about: { de: DESTINATIONS.join(', '), en: DESTINATIONS.join(', ') },
    },
  ],
  options: [
    KUBECONFIG,
    {
      name: 'port',
      value: { de: 'Port', en: 'port' },
      about: {
        de: 'der Port auf 127.0.0.1 (sonst ein freier)',
        en: 'the port on 127.0.0.1 (default: a free one)',
      },
    },
  ],
  run({ port = '0', ...options }, session, output, name = '') {
    const texts = TEXTS[options.language];
    if (!isDestination(name)) throw new UsageError(texts.badDestination(name));
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new UsageError(texts.badPort(port));
    return withCluster(options, session, output, async ({ lab, kube, connection, pace, signal }) => {
      const destination = destinationOf(name, lab);
      const { onlyWith } = destination;
      if (onlyWith?.isOn === false)
        throw new DeployError({ code: 'not-in-lab', what: name, key: onlyWith.key });
      const report = (event: ForwardEvent): void => {
        if (event.type === 'listening') output.out(`${texts.how(name, event.port, lab)}\n${texts.stop()}`);
        else if (event.type === 'connection:failed') output.err(failedText(event.error, options.language));
        else output.err(say(texts.events, 'type', event));
      };
      const { databaseMs: waitMs, pollMs } = pace;
      const { pods } = connection;
      await forwardPort({ kube, pods, destination, port: Number(port), waitMs, pollMs, signal, report });
      return EXIT.ok;
    });
  },
};

function isDestination(name: string): name is DestinationName {
  return (DESTINATIONS as readonly string[]).includes(name);
}

/** One connection has failed; the next may not. */
function failedText(error: unknown, language: Language): string {
  const text =
    error instanceof DeployError ? failureText(CLI_TEXTS[language], error.failure) : (error as Error).message;
  return `deploy:lab: ${text}`;
}
