import type { Language } from '../../config/language.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { NotWhole } from '../../errors/operation-failure.ts';
import { resourceText } from '../../kube/resource.ts';
import { planSteps } from '../../plan/plan.ts';
import { assertVersions, versionChange } from '../../plan/versions.ts';
import type { PlannedResource } from '../../plan/versions.ts';
import {
  assertWhole,
  finishChart,
  partStates,
  upgradeChart,
  VERSIONED_STEPS,
} from '../../operations/upgrade/upgrade.ts';
import type { PartState, UpgradeRun } from '../../operations/upgrade/upgrade.ts';
import { upgradeJson } from '../../operations/upgrade/upgrade-json.ts';
import { UPGRADE_TEXTS } from '../../operations/upgrade/upgrade-texts.ts';
import type { Command, RunOutput } from '../command.ts';
import { consents, requireAsking } from '../consent.ts';
import { EXIT } from '../exit-codes.ts';
import { OPERATION_TEXTS } from '../operation-texts.ts';
import { shown } from '../progress/show-progress.ts';
import { withTarget } from '../target.ts';
import type { Target } from '../target.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLUSTER_TEXTS } from '../texts.ts';
import { JSON_OPTION, KUBECONFIG, YES } from './shared-options.ts';

interface UpgradeOptions extends ClusterOptions {
  readonly json?: boolean;
  readonly yes?: boolean;
}

export const upgrade: Command<UpgradeOptions> = {
  name: 'upgrade',
  isLogged: true,
  about: {
    de: 'die Charts auf die Versionen dieses deploy:lab bringen, einen nach dem anderen; nie zurück',
    en: 'bring the charts to the versions of this deploy:lab, one after the other; never back',
  },
  options: [KUBECONFIG, YES, JSON_OPTION],
  async run({ json = false, yes = false, ...options }, session, output) {
    const { language } = options;
    const texts = UPGRADE_TEXTS[language];
    requireAsking(session, yes, language);
    // What is said under way is not part of the JSON.
    const told: RunOutput = json ? { ...output, out: (line) => output.err(line) } : output;
    return withTarget(options, session, told, async (target) => {
      const { kube, lock, connection } = target;
      const { context, server } = connection;
      const plans = await versionedPlans(target);
      const states = await partStates(kube, target.lab, plans);
      told.out(CLUSTER_TEXTS[language].cluster(context, server));
      for (const state of states) told.out(texts.part(state));
      assertVersions(plans);
      assertOurs(plans);
      const [unfinished, changing] = [partsThat(states, 'unfinished'), partsThat(states, 'changing')];
      const run = runOf(target, { language, told, isLive: !json && (session.isLive ?? false) });
      // Nobody is asked for what cannot be done, and what another run is rolling out is not ours to wait for.
      if (unfinished.length + changing.length > 0) await lock.check();
      const startedAt = performance.now();
      for (const chart of unfinished) await run((each) => finishChart(each, chart));
      if (unfinished.length > 0) told.out(texts.finished(unfinished.length, secondsSince(startedAt)));
      if (changing.length > 0) {
        await assertWhole(target);
        if (!(await consents(session, yes, texts.question(changing.length), language))) {
          told.out(OPERATION_TEXTS[language].declined());
          return EXIT.failed;
        }
        await lock.hold();
      }
      const upgradingFrom = performance.now();
      const charts = target.steps.filter(({ id }) => id === 'charts');
      for (const chart of changing)
        for (const step of charts) await run((each) => upgradeChart(each, step, chart));
      const durationMs = performance.now() - startedAt;
      if (json) output.out(upgradeJson({ context, server, states, durationMs }));
      else if (changing.length === 0) told.out(texts.nothingToDo());
      else told.out(texts.done(changing.length, secondsSince(upgradingFrom)));
      return EXIT.ok;
    });
  },
};

async function versionedPlans({ kube, steps, newFiller }: Target): Promise<PlannedResource[]> {
  const versioned = steps.filter(({ id }) => VERSIONED_STEPS.includes(id));
  const plans = await planSteps(kube, versioned, { filler: newFiller(), forced: new Set() });
  return plans.flatMap(({ resources }) => resources);
}

function partsThat(states: readonly PartState[], is: PartState['is']): string[] {
  return states.filter((state) => state.is === is).map(({ part }) => part);
}

/** @throws DeployError for the first chart that somebody else has changed. */
function assertOurs(plans: readonly PlannedResource[]): void {
  for (const plan of plans) {
    if (plan.action !== 'conflict' || versionChange(plan) === undefined) continue;
    const resource = resourceText(plan.resource);
    throw new DeployError({ code: 'conflict', resource, owners: plan.owners });
  }
}

function secondsSince(instant: number): number {
  return Math.round((performance.now() - instant) / 1_000);
}

type Upgrade = (run: UpgradeRun) => Promise<void>;

/** Shows what is done with a chart, and what is waited for. */
function runOf(
  target: Target,
  { language, told, isLive }: { language: Language; told: RunOutput; isLive: boolean },
): (upgraded: Upgrade) => Promise<void> {
  const onNotWhole = (reason: NotWhole): void => told.out(UPGRADE_TEXTS[language].waiting(reason[language]));
  const texts = CLUSTER_TEXTS[language];
  return (upgraded) =>
    shown(VERSIONED_STEPS, { isLive, texts, output: told }, (report) =>
      upgraded({ ...target, forced: new Set(), report, onNotWhole }),
    );
}
