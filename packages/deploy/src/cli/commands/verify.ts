import type { CheckResult } from '../../operations/verify/check.ts';
import { VERIFY_TEXTS } from '../../operations/verify/texts.ts';
import { checkJson, countChecks } from '../../operations/verify/verify-output.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { CLUSTER_TEXTS } from '../texts.ts';
import { verifyAndTell, verifyPatiently } from '../verify-and-tell.ts';
import { withCluster } from '../with-cluster.ts';
import { JSON_OPTION, KUBECONFIG } from './shared-options.ts';

export const verify: Command<ClusterOptions & { readonly json?: boolean }> = {
  name: 'verify',
  about: {
    de: 'den Cluster von dort ansehen, wo eine App wäre: Nodes, Adressen, TLS, Schreiben, Lesen, Pooler',
    en: 'look at the cluster from where an app would be: nodes, addresses, TLS, writing, reading, poolers',
  },
  options: [KUBECONFIG, JSON_OPTION],
  run: ({ json = false, ...options }, session, output) =>
    withCluster(options, session, output, async (cluster) => {
      const { context, server } = cluster.connection;
      if (!json) {
        output.out(CLUSTER_TEXTS[options.language].cluster(context, server));
        return verifyAndTell(cluster, options, output);
      }
      const results: CheckResult[] = [];
      const report = (found: CheckResult): void => void results.push(found);
      const texts = VERIFY_TEXTS[options.language];
      await verifyPatiently({ ...cluster, databaseMs: cluster.pace.databaseMs, report }, texts, output);
      const ok = countChecks(results).failed === 0;
      const checks = results.map((found) => checkJson(found, texts));
      output.out(JSON.stringify({ version: 1, context, server, ok, checks }, undefined, 2));
      return ok ? EXIT.ok : EXIT.failed;
    }),
};
