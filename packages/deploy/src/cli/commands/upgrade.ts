import { DeployError } from '../../errors/deploy-error.ts';
import { resourceText } from '../../kube/resource.ts';
import { planSteps } from '../../plan/plan.ts';
import { assertVersions, versionChange } from '../../plan/versions.ts';
import type { PlannedResource } from '../../plan/versions.ts';
import { assertWhole, partStates, upgradeChart, VERSIONED_STEPS } from '../../operations/upgrade/upgrade.ts';
import { UPGRADE_TEXTS } from '../../operations/upgrade/upgrade-texts.ts';
import type { Command, RunOutput, Session } from '../command.ts';
import { consents, requireAsking } from '../consent.ts';
import { EXIT } from '../exit-codes.ts';
import { OPERATION_TEXTS } from '../operation-texts.ts';
import { shown } from '../progress/show-progress.ts';
import { withTarget } from '../target.ts';
import type { Target } from '../target.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLUSTER_TEXTS } from '../texts.ts';
import { KUBECONFIG, YES } from './shared-options.ts';

interface UpgradeOptions extends ClusterOptions {
  readonly yes?: boolean;
}

export const upgrade: Command<UpgradeOptions> = {
  name: 'upgrade',
  isLogged: true,
  about: {
    de: 'die Charts auf die Versionen dieses deploy:lab bringen, einen nach dem anderen; nie zurück',
    en: 'bring the charts to the versions of this deploy:lab, one after the other; never back',
  },
  options: [KUBECONFIG, YES],
  async run(options, session, output) {
    const { yes = false, language } = options;
    const texts = UPGRADE_TEXTS[language];
    requireAsking(session, yes, language);
    return withTarget(options, session, output, async (target) => {
      const { lab, kube, lock, connection } = target;
      const steps = target.steps.filter(({ id }) => VERSIONED_STEPS.includes(id));
      const looking = { filler: target.newFiller(), forced: new Set<string>() };
      const plans = (await planSteps(kube, steps, looking)).flatMap(({ resources }) => resources);
      const states = partStates(plans, lab);
      output.out(CLUSTER_TEXTS[language].cluster(connection.context, connection.server));
      for (const state of states) output.out(texts.part(state));
      assertVersions(plans);
      assertOurs(plans);
      const charts = states.filter(({ is }) => is === 'changing').map(({ part }) => part);
      if (charts.length === 0) {
        output.out(texts.nothingToDo());
        return EXIT.ok;
      }
      // Nobody is asked for what cannot be done.
      await lock.check();
      await assertWhole(target);
      if (!(await consents(session, yes, texts.question(charts.length), language))) {
        output.out(OPERATION_TEXTS[language].declined());
        return EXIT.failed;
      }
      await lock.hold();
      const startedAt = performance.now();
      for (const chart of charts) await upgraded(target, chart, options, session, output);
      output.out(texts.done(charts.length, Math.round((performance.now() - startedAt) / 1_000)));
      return EXIT.ok;
    });
  },
};

/** @throws DeployError for the first chart that somebody else has changed. */
function assertOurs(plans: readonly PlannedResource[]): void {
  for (const plan of plans) {
    if (plan.action !== 'conflict' || versionChange(plan) === undefined) continue;
    const resource = resourceText(plan.resource);
    throw new DeployError({ code: 'conflict', resource, owners: plan.owners });
  }
}

async function upgraded(
  target: Target,
  chart: string,
  { language }: UpgradeOptions,
  session: Session,
  output: RunOutput,
): Promise<void> {
  const step = target.steps.find(({ id }) => id === 'charts');
  if (step === undefined) return;
  const onNotWhole = (reason: { readonly de: string; readonly en: string }): void =>
    output.out(UPGRADE_TEXTS[language].waiting(reason[language]));
  const texts = CLUSTER_TEXTS[language];
  await shown(VERSIONED_STEPS, { isLive: session.isLive ?? false, texts, output }, (report) =>
    upgradeChart({ ...target, forced: new Set(), report, onNotWhole }, step, chart),
  );
}
