import type { CheckResult } from '../../operations/verify/check.ts';
import { verify as verifyCluster } from '../../operations/verify/verify.ts';
import { checkJson, checkLines, countChecks } from '../../operations/verify/verify-output.ts';
import { VERIFY_TEXTS_DE } from '../../operations/verify/verify-texts-de.ts';
import { VERIFY_TEXTS_EN } from '../../operations/verify/verify-texts-en.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { TargetOptions } from '../target.ts';
import { CLUSTER_TEXTS } from '../texts.ts';
import { withCluster } from '../with-cluster.ts';
import { JSON_OPTION, KUBECONFIG } from './shared-options.ts';

const TEXTS = { de: VERIFY_TEXTS_DE, en: VERIFY_TEXTS_EN };

export const verify: Command<TargetOptions & { readonly json?: boolean }> = {
  name: 'verify',
  about: {
    de: 'den Cluster von dort ansehen, wo eine App wäre: Nodes, Adressen, TLS, Schreiben, Lesen, Pooler',
    en: 'look at the cluster from where an app would be: nodes, addresses, TLS, writing, reading, poolers',
  },
  options: [KUBECONFIG, JSON_OPTION],
  run: ({ json = false, ...options }, session, output) =>
    withCluster(options, session, output, async ({ connection, pace, ...cluster }) => {
      const texts = TEXTS[options.language];
      const { context, server } = connection;
      if (!json) output.out(CLUSTER_TEXTS[options.language].cluster(context, server));
      const results: CheckResult[] = [];
      const report = (found: CheckResult): void => {
        results.push(found);
        if (!json) for (const line of checkLines(found, texts)) output.out(line);
      };
      await verifyCluster({ ...cluster, databaseMs: pace.databaseMs, report });
      const { ok, failed, notChecked } = countChecks(results);
      if (json) {
        const checks = results.map((found) => checkJson(found, texts));
        output.out(JSON.stringify({ version: 1, context, server, ok: failed === 0, checks }, undefined, 2));
      } else output.out(failed === 0 ? texts.passed(ok, notChecked) : texts.failed(failed, notChecked));
      return failed === 0 ? EXIT.ok : EXIT.failed;
    }),
};
