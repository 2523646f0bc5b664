import { applyLab } from '../apply-lab.ts';
import type { ApplyOptions } from '../apply-lab.ts';
import type { Command } from '../command.ts';
import { requireAsking } from '../consent.ts';
import { EXIT } from '../exit-codes.ts';
import { withTarget } from '../target.ts';
import { CLUSTER_TEXTS } from '../texts.ts';
import { verifyAndTell } from '../verify-and-tell.ts';
import { FORCE, KUBECONFIG, YES } from './shared-options.ts';

export const deploy: Command<Omit<ApplyOptions, 'only'>> = {
  name: 'deploy',
  isDefault: true,
  isLogged: true,
  about: {
    de: 'alles: zeigen, was sich ändern würde, fragen, anwenden, ansehen; auch ohne diesen Befehl gemeint',
    en: 'all of it: show what would change, ask, apply, verify; also what is meant without a command',
  },
  options: [KUBECONFIG, YES, FORCE],
  async run(options, session, output) {
    const { yes = false, language } = options;
    requireAsking(session, yes, language, CLUSTER_TEXTS[language].needsYes());
    return withTarget(options, session, output, async (target) => {
      const exitCode = await applyLab(target, options, session, output);
      if (exitCode !== EXIT.ok) return exitCode;
      return verifyAndTell(target, options, output);
    });
  },
};
