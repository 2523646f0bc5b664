import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { examineLab } from '../../config/examine.ts';
import type { Lab } from '../../config/lab.ts';
import type { Language } from '../../config/language.ts';
import { describeProblem } from '../../config/texts.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import { writeWhole } from '../../files/write-whole.ts';
import { withInstances } from '../../operations/scale/lab-edit.ts';
import type { LabEdit } from '../../operations/scale/lab-edit.ts';
import { scaleCluster } from '../../operations/scale/scale.ts';
import { SCALE_TEXTS } from '../../operations/scale/scale-texts.ts';
import { assertScalable } from '../../operations/scale/assert-scalable.ts';
import { readCredentials } from '../../operations/credentials/credentials.ts';
import { say } from '../cluster-texts.ts';
import { UsageError } from '../command.ts';
import type { Command, Output } from '../command.ts';
import { consents, requireAsking } from '../consent.ts';
import { EXIT } from '../exit-codes.ts';
import { SHIPPED_LAB } from '../lab-file.ts';
import { OPERATION_TEXTS } from '../operation-texts.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLI_TEXTS, CLUSTER_TEXTS } from '../texts.ts';
import { withCluster } from '../with-cluster.ts';
import { shownPath } from '../with-lab.ts';
import { KUBECONFIG, YES } from './shared-options.ts';

const MOST_INSTANCES = 100;

export const scale: Command<ClusterOptions & { readonly yes?: boolean }> = {
  name: 'scale',
  isLogged: true,
  about: {
    de: 'die Zahl der Instanzen ändern, in der lab.yaml und im Cluster, ohne etwas zu verlieren',
    en: 'change the number of instances, in the lab.yaml and in the cluster, losing nothing',
  },
  arguments: [
    {
      word: { de: 'Zahl', en: 'number' },
      about: { de: 'Primary und Standbys zusammen', en: 'primary and standbys together' },
    },
  ],
  options: [KUBECONFIG, YES],
  async run({ yes = false, ...options }, session, output, given = '') {
    const { language } = options;
    const texts = SCALE_TEXTS[language];
    const instances = /^\d{1,3}$/.test(given) ? Number(given) : 0;
    if (instances < 1 || instances > MOST_INSTANCES)
      throw new UsageError(texts.badNumber(given, MOST_INSTANCES));
    requireAsking(session, yes, language);
    return withCluster(options, session, output, async (cluster) => {
      const { labPath, lab, kube, connection, lock } = cluster;
      if (resolve(labPath) === resolve(SHIPPED_LAB))
        throw new DeployError({ code: 'shipped-lab', path: shownPath(labPath) });
      const edit = withInstances(await readFile(labPath, 'utf8'), lab, instances);
      const wanted = await examined(edit, labPath, language, output);
      if (wanted === undefined) return EXIT.invalidLab;
      output.out(CLUSTER_TEXTS[language].cluster(connection.context, connection.server));
      await lock.check();
      const live = await assertScalable(kube, wanted);
      const credentials = await readCredentials(kube, lab);
      for (const change of edit.changes) output.out(texts.change(shownPath(labPath), change));
      if (!(await consents(session, yes, texts.question(live, instances), language))) {
        output.out(OPERATION_TEXTS[language].declined());
        return EXIT.failed;
      }
      await lock.hold();
      // First: what is half done is then on its way to what the lab says, and not away from it.
      if (edit.changes.length > 0) await writeWhole(labPath, edit.text, (await stat(labPath)).mode & 0o777);
      await scaleCluster({
        ...cluster,
        lab: wanted,
        pods: connection.pods,
        credentials,
        live,
        report: (event) => output.out(say(texts.events, 'type', event)),
      });
      output.out(texts.done(instances));
      return EXIT.ok;
    });
  },
};

/** With figures where the machines are too small for it. */
async function examined(
  edit: LabEdit,
  path: string,
  language: Language,
  output: Output,
): Promise<Lab | undefined> {
  const found = examineLab(edit.text, await readFile(SHIPPED_LAB, 'utf8'));
  if (found.ok) return found.lab;
  for (const each of found.problems) output.err(describeProblem(each, language, shownPath(path)));
  output.err(SCALE_TEXTS[language].unchanged());
  output.err(CLI_TEXTS[language].problems(found.problems.length, shownPath(path)));
  return undefined;
}
