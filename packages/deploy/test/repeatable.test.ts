/** Whatever a lab says: once it is applied, there is nothing to do. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lab } from '../src/config/lab.ts';
import { KubeApi } from '../src/kube/kube-api.ts';
import { connect } from '../src/kube/kubeconfig.ts';
import { secretValues } from '../src/kube/secret-values.ts';
import { chartReleases } from '../src/manifests/charts.ts';
import { chartFileName } from '../src/manifests/pins.ts';
import { manifestSteps } from '../src/manifests/steps.ts';
import { isDue, planSteps } from '../src/plan/plan.ts';
import { issueAuthority } from '../src/secrets/issue.ts';
import { SecretFiller } from '../src/secrets/secret-filler.ts';
import { runSteps } from '../src/steps/run-steps.ts';
import { arbitraryLab } from './support/arbitrary-lab.ts';
import { addMonitoring, QUICK, useCluster } from './support/use-cluster.ts';

const RUNS = 5;

/** Its secrets where this test has them: files with any name are another test's subject. */
function withSecretsAtHand(lab: Lab): Lab {
  const atHand = (reference: Lab['secrets']['user']) =>
    typeof reference === 'object' && 'file' in reference ? { file: 'a-password' } : reference;
  const { superuser, replication, pooler, user } = lab.secrets;
  const { klatab } = lab.addons;
  return {
    ...lab,
    addons: { ...lab.addons, ...(klatab && { klatab: { ...klatab, secret: atHand(klatab.secret) } }) },
    secrets: {
      superuser: atHand(superuser),
      replication: atHand(replication),
      pooler: atHand(pooler),
      user: atHand(user),
    },
  };
}

describe('a lab of any kind', () => {
  it('has nothing to do once it is applied', { timeout: 900_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLab.map(withSecretsAtHand), fc.boolean(), async (lab, isMonitored) => {
        const { server, directory } = await useCluster();
        if (isMonitored) await addMonitoring(server);
        const authority = await issueAuthority('The school', Date.now());
        for (const [name, content] of [
          ['a-password', 'from-a-file'],
          ['ca.crt', authority.certificate],
          ['ca.key', authority.key],
        ] as const)
          await writeFile(join(directory, name), content);
        const chartFiles = new Map(
          chartReleases(lab).map(({ name }) => [chartFileName(name), Buffer.from(name)] as const),
        );
        const steps = manifestSteps(lab, { helperSql: 'SELECT 1;', chartFiles });
        const connection = connect(join(directory, 'kubeconfig'), {});
        try {
          const kube = new KubeApi(connection, QUICK, new AbortController().signal);
          const newFiller = () =>
            new SecretFiller(lab, {
              directory,
              environment: new Proxy({}, { get: () => 'from-the-environment' }),
              present: (name) => secretValues(kube, lab.cluster.namespace, name),
              now: () => Date.now(),
            });
          const forced = new Set<string>();
          const lock = { hold: async () => 'held' as const };
          await runSteps({ kube, lab, pace: QUICK, forced, lock, newFiller, report: () => {} }, steps);
          const plans = await planSteps(kube, steps, { filler: newFiller(), forced });
          expect(plans.flatMap(({ resources }) => resources).filter(isDue)).toEqual([]);
          expect(plans.map(({ step }) => step)).toEqual(steps.map(({ id }) => id));
        } finally {
          connection.close();
          await server.close();
        }
      }),
      { numRuns: RUNS },
    );
  });
});
