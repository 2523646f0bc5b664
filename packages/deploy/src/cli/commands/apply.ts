import { STEP_IDS } from '../../manifests/manifest.ts';
import { applyLab } from '../apply-lab.ts';
import type { ApplyOptions } from '../apply-lab.ts';
import type { Command } from '../command.ts';
import { requireAsking } from '../consent.ts';
import { withTarget } from '../target.ts';
import { CLUSTER_TEXTS } from '../texts.ts';
import { FORCE, KUBECONFIG, YES } from './shared-options.ts';

export const apply: Command<ApplyOptions> = {
  name: 'apply',
  isLogged: true,
  about: {
    de: 'den Cluster so machen, wie die lab.yaml sagt; darf jederzeit angehalten und wiederholt werden',
    en: 'bring the cluster to what the lab.yaml says; may be stopped and run again at any time',
  },
  options: [
    KUBECONFIG,
    YES,
    {
      name: 'only',
      value: { de: 'Schritt', en: 'step' },
      about: {
        de: `nur dieser Schritt: ${STEP_IDS.join(', ')}`,
        en: `only this step: ${STEP_IDS.join(', ')}`,
      },
    },
    FORCE,
  ],
  async run(options, session, output) {
    const { yes = false, language } = options;
    requireAsking(session, yes, language, CLUSTER_TEXTS[language].needsYes());
    return withTarget(options, session, output, (target) => applyLab(target, options, session, output));
  },
};
