import type { Language } from '../../config/language.ts';
import { readCredentials } from '../../operations/credentials/credentials.ts';
import { readMembers } from '../../operations/members.ts';
import { handoverOf } from '../../operations/switchover/candidate.ts';
import { switchOver } from '../../operations/switchover/switchover.ts';
import { openClients } from '../../operations/verify/database-clients.ts';
import { VERIFY_TEXTS } from '../../operations/verify/texts.ts';
import { checkLines } from '../../operations/verify/verify-output.ts';
import { checkWrites } from '../../operations/verify/write-checks.ts';
import type { TakeoverObstacle } from '../../errors/operation-failure.ts';
import type { Command } from '../command.ts';
import { consents, requireAsking } from '../consent.ts';
import { EXIT } from '../exit-codes.ts';
import { takeoverTextDe } from '../operation-failures-de.ts';
import { takeoverTextEn } from '../operation-failures-en.ts';
import { OPERATION_TEXTS } from '../operation-texts.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLUSTER_TEXTS } from '../texts.ts';
import { withCluster } from '../with-cluster.ts';
import { KUBECONFIG, YES } from './shared-options.ts';

interface SwitchoverTexts {
  question(from: string, to: string | undefined): string;
  requested(from: string): string;
  waiting(obstacle: TakeoverObstacle): string;
  done(pod: string, seconds: number): string;
}

const TEXTS: Record<Language, SwitchoverTexts> = {
  de: {
    question: (from, to) =>
      `Die Führung von ${from} ${to === undefined ? 'abgeben' : `an ${to} übergeben`}? Schreiben wartet einen Moment. [j/N] `,
    requested: (from) => `Patroni in ${from} ist darum gebeten ...`,
    waiting: (obstacle) => `  wartet: ${takeoverTextDe(obstacle)}`,
    done: (pod, seconds) => `${pod} führt jetzt, nach ${seconds} s.`,
  },
  en: {
    question: (from, to) =>
      `Hand the lead over from ${from}${to === undefined ? '' : ` to ${to}`}? Writes wait for a moment. [y/N] `,
    requested: (from) => `Patroni in ${from} was asked for it ...`,
    waiting: (obstacle) => `  waiting: ${takeoverTextEn(obstacle)}`,
    done: (pod, seconds) => `${pod} leads now, after ${seconds} s.`,
  },
};

export const switchover: Command<ClusterOptions & { readonly to?: string; readonly yes?: boolean }> = {
  name: 'switchover',
  isLogged: true,
  about: {
    de: 'einen Standby führen lassen, ohne etwas zu verlieren, und durch Schreiben prüfen',
    en: 'let a standby lead, losing nothing, and check it by a write',
  },
  options: [
    KUBECONFIG,
    YES,
    {
      name: 'to',
      value: { de: 'Pod', en: 'pod' },
      about: { de: 'wer führen soll (sonst wählt Patroni)', en: 'who is to lead (default: Patroni chooses)' },
    },
  ],
  async run({ to, yes = false, ...options }, session, output) {
    const { language } = options;
    const texts = TEXTS[language];
    requireAsking(session, yes, language);
    return withCluster(options, session, output, async (cluster) => {
      const { kube, lab, connection, pace, reach, signal, lock } = cluster;
      output.out(CLUSTER_TEXTS[language].cluster(connection.context, connection.server));
      await lock.check();
      const handover = handoverOf(await readMembers(kube, lab), to, lab);
      const credentials = await readCredentials(kube, lab);
      const question = texts.question(handover.from.pod, handover.to?.pod);
      if (!(await consents(session, yes, question, language))) {
        output.out(OPERATION_TEXTS[language].declined());
        return EXIT.failed;
      }
      await lock.hold();
      const startedAt = performance.now();
      output.out(texts.requested(handover.from.pod));
      const report = (obstacle: TakeoverObstacle): void => output.out(texts.waiting(obstacle));
      const context = { kube, pods: connection.pods, lab, pace, signal, report };
      const leader = await switchOver(context, handover);
      output.out(texts.done(leader.pod, Math.round((performance.now() - startedAt) / 1_000)));
      const clients = openClients(credentials, reach, pace.databaseMs);
      try {
        const results = await checkWrites({ lab, clients, patienceMs: pace.databaseMs, signal });
        for (const found of results)
          for (const line of checkLines(found, VERIFY_TEXTS[language])) output.out(line);
        return results.every(({ result }) => result.state === 'ok') ? EXIT.ok : EXIT.failed;
      } finally {
        await clients.close();
      }
    });
  },
};
