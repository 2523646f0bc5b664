import { planSteps } from '../../plan/plan.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { dueCount, planLines } from '../plan-output.ts';
import { withTarget } from '../target.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLUSTER_TEXTS } from '../texts.ts';
import { JSON_OPTION, KUBECONFIG } from './shared-options.ts';

export const plan: Command<ClusterOptions & { readonly json?: boolean }> = {
  name: 'plan',
  about: {
    de: 'zeigen, was apply im Cluster ändern würde, und nichts ändern',
    en: 'show what apply would change in the cluster, and change nothing',
  },
  options: [KUBECONFIG, JSON_OPTION],
  run: ({ json = false, ...options }, session, output) =>
    withTarget(options, session, output, async ({ steps, connection, kube, newFiller }) => {
      const startedAt = performance.now();
      const plans = await planSteps(kube, steps, { filler: newFiller(), forced: new Set() });
      const durationMs = Math.round(performance.now() - startedAt);
      const { context, server } = connection;
      const due = dueCount(plans);
      if (json) {
        output.out(
          JSON.stringify({ version: 1, context, server, due, durationMs, steps: plans }, undefined, 2),
        );
      } else {
        const texts = CLUSTER_TEXTS[options.language];
        for (const line of [texts.cluster(context, server), ...planLines(plans, texts)]) output.out(line);
      }
      return due === 0 ? EXIT.ok : EXIT.changes;
    }),
};
