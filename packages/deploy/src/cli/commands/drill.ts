import { readCredentials } from '../../operations/credentials/credentials.ts';
import { awaitWhole } from '../../operations/drill/await-whole.ts';
import { DRILL_TEXTS } from '../../operations/drill/drill-texts.ts';
import type { DrillResult } from '../../operations/drill/judge.ts';
import { DRILLS } from '../../operations/drill/strike.ts';
import { say } from '../cluster-texts.ts';
import { UsageError } from '../command.ts';
import type { Command } from '../command.ts';
import { consents, requireAsking } from '../consent.ts';
import { EXIT } from '../exit-codes.ts';
import { OPERATION_TEXTS } from '../operation-texts.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLUSTER_TEXTS } from '../texts.ts';
import { withCluster } from '../with-cluster.ts';
import { JSON_OPTION, KUBECONFIG, YES } from './shared-options.ts';

interface DrillOptions extends ClusterOptions {
  readonly json?: boolean;
  readonly yes?: boolean;
  /** One kind of drill; both without it. */
  readonly by?: string;
  readonly clients?: string;
}

const WHAT = 'failover';
const CLIENTS = '20';

export const drill: Command<DrillOptions> = {
  name: 'drill',
  isLogged: true,
  about: {
    de: 'einen Failover unter Last proben: Zeit bis zum nächsten Schreiben, nichts verloren, nichts doppelt',
    en: 'try a failover under load: time to the next write, nothing lost, nothing doubled',
  },
  arguments: [{ word: { de: WHAT, en: WHAT }, about: { de: `nur ${WHAT}`, en: `${WHAT} alone` } }],
  options: [
    KUBECONFIG,
    YES,
    JSON_OPTION,
    {
      name: 'by',
      value: { de: 'Art', en: 'kind' },
      about: {
        de: `nur diese Art: ${DRILLS.join(', ')} (sonst nacheinander alle)`,
        en: `only this kind: ${DRILLS.join(', ')} (default: all, one after the other)`,
      },
    },
    {
      name: 'clients',
      value: { de: 'Zahl', en: 'number' },
      about: {
        de: `so viele Clients schreiben, 1 bis 1000 (sonst ${CLIENTS})`,
        en: `so many clients write, 1 to 1000 (default: ${CLIENTS})`,
      },
    },
  ],
  async run({ json = false, yes = false, by, clients = CLIENTS, ...options }, session, output, what = '') {
    const { language } = options;
    const texts = DRILL_TEXTS[language];
    if (what !== WHAT) throw new UsageError(texts.unknownDrill(what));
    if (!/^\d{1,4}$/.test(clients) || Number(clients) < 1 || Number(clients) > 1_000)
      throw new UsageError(texts.badClients(clients));
    const names = DRILLS.filter((name) => by === undefined || name === by);
    if (names.length === 0) throw new UsageError(texts.badKind(by ?? '', DRILLS.join(', ')));
    requireAsking(session, yes, language);
    // No other command needs the load generator.
    const [{ Cleanup }, { drill: runDrill, dropLeftovers }] = await Promise.all([
      import('@schooldb/loadgen'),
      import('../../operations/drill/drill.ts'),
    ]);
    return withCluster(options, session, output, async (cluster) => {
      const { kube, lab, connection, pace, reach, signal, lock } = cluster;
      const { context, server } = connection;
      // What is said under way is not part of the JSON.
      const tell = (line: string): void => (json ? output.err(line) : output.out(line));
      tell(CLUSTER_TEXTS[language].cluster(context, server));
      await lock.check();
      await awaitWhole(cluster, 0, () => {});
      const credentials = await readCredentials(kube, lab);
      if (!(await consents(session, yes, texts.question(lab.cluster.name, names.join(', ')), language))) {
        output.out(OPERATION_TEXTS[language].declined());
        return EXIT.failed;
      }
      await lock.hold();
      const leftovers = await dropLeftovers({ credentials, reach, signal });
      if (leftovers.length > 0) tell(texts.leftovers(leftovers));
      const results: (DrillResult & { readonly wholeAfterMs: number })[] = [];
      for (const name of names) {
        tell(texts.title(name));
        const result = await runDrill(name, {
          kube,
          pods: connection.pods,
          lab,
          pace,
          signal,
          credentials,
          reach,
          clients: Number(clients),
          cleanup: new Cleanup(),
          onObstacle: (obstacle) => tell(texts.obstacle(obstacle)),
          onEvent: (event) => tell(say(texts.events, 'type', event)),
        });
        for (const line of texts.result(result)) tell(line);
        for (const each of result.missed) tell(`  ! ${say(texts.missed, 'is', each)}`);
        const endedAt = performance.now();
        await awaitWhole(cluster, pace.waitMs.database, (reason) => tell(texts.notWhole(reason)));
        const wholeAfterMs = Math.round(performance.now() - endedAt);
        tell(texts.whole(Math.round(wholeAfterMs / 1_000)));
        results.push({ ...result, wholeAfterMs });
      }
      const missed = results.flatMap((result) => result.missed);
      const ok = missed.length === 0;
      if (json)
        output.out(
          JSON.stringify(
            { version: 1, context, server, ok, limits: lab.limits, drills: results },
            undefined,
            2,
          ),
        );
      else output.out(ok ? texts.passed() : texts.failed(missed.length));
      return ok ? EXIT.ok : EXIT.limitMissed;
    });
  },
};
