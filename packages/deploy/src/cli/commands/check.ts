import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { CLI_TEXTS } from '../texts.ts';
import { shownPath, withLab } from '../with-lab.ts';

export const check: Command = {
  name: 'check',
  about: {
    de: 'eine lab.yaml prüfen und jeden Fehler darin nennen',
    en: 'check a lab.yaml and name every mistake in it',
  },
  run: (options, _, output) =>
    withLab(options, output, async (lab, path) => {
      const nodes = Object.values(lab.hosts).filter(({ role }) => role !== 'services').length;
      const { name: cluster, instances } = lab.cluster;
      const facts = { cluster, instances, nodes, profile: lab.profile };
      output.out(CLI_TEXTS[options.language].good(shownPath(path), facts));
      return EXIT.ok;
    }),
};
