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

export const FORCE: CommandOption = {
  name: 'force',
  value: { de: 'Objekt', en: 'object' },
  repeatable: true,
  about: {
    de: 'die Felder dieses Objekts denen nehmen, die sie geändert haben; wie plan es nennt, mehrfach erlaubt',
    en: 'take the fields of this object from whoever has changed them; as plan names it, may be repeated',
  },
};

export const LOG: CommandOption = {
  name: 'log',
  value: FILE,
  about: {
    de: 'wohin das Protokoll dieses Laufs kommt (sonst XDG_STATE_HOME, sonst ~/.local/state)',
    en: 'where the log of this run goes (default: XDG_STATE_HOME, otherwise ~/.local/state)',
  },
};
