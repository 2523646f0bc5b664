import { fates } from '../../destroy/fate.ts';
import type { Fate } from '../../destroy/fate.ts';
import { runDestroy } from '../../destroy/run-destroy.ts';
import { resourceText } from '../../kube/resource.ts';
import { say } from '../cluster-texts.ts';
import { UsageError } from '../command.ts';
import type { Command, Session } from '../command.ts';
import { DESTROY_TEXTS } from '../destroy-texts.ts';
import type { DestroyTexts } from '../destroy-texts.ts';
import { EXIT } from '../exit-codes.ts';
import { withTarget } from '../target.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLUSTER_TEXTS } from '../texts.ts';
import { KUBECONFIG } from './shared-options.ts';

interface DestroyOptions extends ClusterOptions {
  /** The cluster's name, by whoever cannot be asked. */
  readonly yesDestroy?: string;
  readonly withVolumes?: boolean;
  readonly withSecrets?: boolean;
  readonly withBackups?: boolean;
}

export const destroy: Command<DestroyOptions> = {
  name: 'destroy',
  isLogged: true,
  about: {
    de: 'alles von diesem Lab aus dem Cluster nehmen, außer Daten und Passwörtern; fragt nach dem Namen',
    en: 'take all of this lab out of the cluster, except data and passwords; asks for the name',
  },
  options: [
    KUBECONFIG,
    {
      name: 'yes-destroy',
      value: { de: 'Name', en: 'name' },
      about: {
        de: 'der Name des Clusters, statt ihn am Terminal einzugeben',
        en: 'the name of the cluster, instead of typing it at the terminal',
      },
    },
    {
      name: 'with-volumes',
      about: {
        de: 'auch die Volumes der Datenbank löschen: alle Daten',
        en: "delete the database's volumes, too: all data",
      },
    },
    {
      name: 'with-secrets',
      about: {
        de: 'auch Passwörter, Zertifikat und dessen Aussteller löschen',
        en: 'delete passwords, the certificate and its authority, too',
      },
    },
    {
      name: 'with-backups',
      about: {
        de: 'auch das Volume der Sicherungen löschen; ihre Dateien bleiben auf der Freigabe',
        en: 'delete the volume of the backups, too; their files stay on the share',
      },
    },
  ],
  async run(options, session, output) {
    const texts = DESTROY_TEXTS[options.language];
    const cluster = CLUSTER_TEXTS[options.language];
    return withTarget(options, session, output, async (target) => {
      const { lab, kube, steps, lock, connection } = target;
      const { name } = lab.cluster;
      // Before anything is looked at: a wrong name is a wrong lab.yaml.
      if (options.yesDestroy !== undefined) assertName(options.yesDestroy, name, texts);
      else if (session.ask === undefined) throw new UsageError(texts.needsName(name));
      const found = await fates(kube, lab, steps, {
        volumes: options.withVolumes ?? false,
        secrets: options.withSecrets ?? false,
        backups: options.withBackups ?? false,
      });
      output.out(cluster.cluster(connection.context, connection.server));
      for (const line of fateLines(found, texts)) output.out(line);
      const going = found.filter(({ goes }) => goes);
      if (going.length === 0) {
        output.out(texts.nothingThere());
        return EXIT.ok;
      }
      await lock.check();
      if (options.yesDestroy === undefined) await askForName(session, name, texts);
      const startedAt = performance.now();
      await runDestroy(
        {
          ...target,
          report: (progress) =>
            output.out(
              progress.type === 'object:gone'
                ? texts.gone(progress.resource)
                : cluster.waiting(progress.wait, progress.obstacle),
            ),
        },
        found,
      );
      const seconds = Math.round((performance.now() - startedAt) / 1_000);
      output.out(texts.destroyed(going.length, found.length - going.length, seconds));
      return EXIT.ok;
    });
  },
};

function assertName(given: string, name: string, texts: DestroyTexts): void {
  if (given !== name) throw new UsageError(texts.otherName(given, name));
}

async function askForName({ ask }: Session, name: string, texts: DestroyTexts): Promise<void> {
  assertName(((await ask?.(texts.question(name))) ?? '').trim(), name, texts);
}

function fateLines(found: readonly Fate[], texts: DestroyTexts): string[] {
  const going = found.filter(({ goes }) => goes);
  const staying = found.filter((each) => !each.goes);
  return [
    ...(going.length === 0 ? [] : [texts.goes(going.length)]),
    ...going.map(({ resource }) => `  - ${resourceText(resource)}`),
    ...(staying.length === 0 ? [] : [texts.stays(staying.length)]),
    ...staying.flatMap((each) =>
      each.goes ? [] : [`  = ${resourceText(each.resource)} (${say(texts.kept, 'is', each.kept)})`],
    ),
  ];
}
