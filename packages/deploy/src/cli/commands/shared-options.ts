/** Options that mean the same wherever they are given. */
import type { CommandOption } from '../command.ts';

export const FILE = { de: 'Datei', en: 'file' };

export const KUBECONFIG: CommandOption = {
  name: 'kubeconfig',
  value: FILE,
  about: {
    de: 'wie der Cluster erreicht wird (sonst KUBECONFIG, sonst ~/.kube/config)',
    en: 'how the cluster is reached (default: KUBECONFIG, otherwise ~/.kube/config)',
  },
};

export const JSON_OPTION: CommandOption = { name: 'json', about: { de: 'als JSON', en: 'as JSON' } };

export const YES: CommandOption = {
  name: 'yes',
  about: {
    de: 'nicht fragen, bevor etwas geändert wird',
    en: 'do not ask before changing anything',
  },
};
