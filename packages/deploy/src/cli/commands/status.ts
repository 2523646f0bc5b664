import { DeployError } from '../../errors/deploy-error.ts';
import { statusJson, statusLines } from '../../operations/status/status-output.ts';
import { readStatus } from '../../operations/status/status.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLI_TEXTS, CLUSTER_TEXTS, failureText } from '../texts.ts';
import { withCluster } from '../with-cluster.ts';
import type { OperatedCluster } from '../with-cluster.ts';
import { JSON_OPTION, KUBECONFIG } from './shared-options.ts';

interface StatusOptions extends ClusterOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

export const status: Command<StatusOptions> = {
  name: 'status',
  about: {
    de: 'zeigen, wie der Cluster ist: Mitglieder, Pooler, Adressen, Volumes, Nodes, Warnungen',
    en: 'show how the cluster is: members, poolers, addresses, volumes, nodes, warnings',
  },
  options: [
    KUBECONFIG,
    JSON_OPTION,
    {
      name: 'watch',
      about: {
        de: 'bis Strg-C bei jeder Änderung neu zeigen; mit --json eine Zeile je Änderung',
        en: 'show it anew with each change, until Ctrl-C; with --json a line for each change',
      },
    },
  ],
  run: ({ json = false, watch = false, ...options }, session, output) =>
    withCluster(options, session, output, async (cluster) => {
      const { context, server } = cluster.connection;
      const { language } = options;
      const look = async (): Promise<string> => {
        const state = await readStatus(cluster.kube, cluster.lab);
        if (!json)
          return [CLUSTER_TEXTS[language].cluster(context, server), ...statusLines(state, language)].join(
            '\n',
          );
        const whole = { version: 1, context, server, ...statusJson(state, language) };
        return JSON.stringify(whole, undefined, watch ? 0 : 2);
      };
      if (!watch) output.out(await look());
      else
        await watching(
          cluster,
          () => lookOrFailure(look, language),
          (text) => output.out(text),
        );
      return EXIT.ok;
    }),
};

/** The API may be away for a while, which is what is to be seen then. */
async function lookOrFailure(
  look: () => Promise<string>,
  language: StatusOptions['language'],
): Promise<string> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    return `deploy:lab: ${failureText(CLI_TEXTS[language], error.failure)}`;
  }
}

/** Until Ctrl-C, which is how it ends when all is well. */
async function watching(
  { kube, pace, signal }: OperatedCluster,
  look: () => Promise<string>,
  out: (text: string) => void,
): Promise<void> {
  let shown = '';
  try {
    for (;;) {
      const seen = await look();
      if (seen !== shown) out(seen);
      shown = seen;
      await kube.pause(pace.pollMs);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
