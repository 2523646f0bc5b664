import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import type { Language } from '../../config/language.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import { writeWhole } from '../../files/write-whole.ts';
import { loadKubeconfig } from '../../kube/kubeconfig.ts';
import { masked, merged, ownKubeconfig } from '../../kube/own-kubeconfig.ts';
import type { KubeconfigFile } from '../../kube/own-kubeconfig.ts';
import { UsageError } from '../command.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { ClusterOptions } from '../with-cluster.ts';
import { withLab } from '../with-lab.ts';
import { FILE, KUBECONFIG } from './shared-options.ts';

interface KubeconfigTexts {
  written(file: string, context: string): string;
  taken(file: string, names: string): string;
}

const TEXTS: Record<Language, KubeconfigTexts> = {
  de: {
    written: (file, context) =>
      `Der Kontext ${context} steht in ${file}, lesbar nur für den Eigentümer: kubectl --kubeconfig '${file}' --context ${context} get pods`,
    taken: (file, names) =>
      `in ${file} steht unter demselben Namen schon etwas anderes (${names}); es dort löschen oder eine andere Datei angeben. Es wurde nichts geschrieben`,
  },
  en: {
    written: (file, context) =>
      `The context ${context} is in ${file}, readable by its owner alone: kubectl --kubeconfig '${file}' --context ${context} get pods`,
    taken: (file, names) =>
      `${file} has something else under the same name already (${names}); delete it there or give another file. Nothing was written`,
  },
};

export const kubeconfig: Command<ClusterOptions & { readonly raw?: boolean; readonly into?: string }> = {
  name: 'kubeconfig',
  about: {
    de: 'eine kubeconfig dieses Clusters zeigen, mit der Datenbank als Namespace, oder in eine Datei schreiben',
    en: "show a kubeconfig of this cluster, with the database's namespace, or write it to a file",
  },
  options: [
    KUBECONFIG,
    {
      name: 'raw',
      about: {
        de: 'auch Schlüssel und Token zeigen, wie bei kubectl config view',
        en: 'show keys and tokens, too, as with kubectl config view',
      },
    },
    {
      name: 'into',
      value: FILE,
      about: {
        de: 'vollständig in diese Datei schreiben, zu dem, was darin schon steht; Modus 0600',
        en: 'write it whole to this file, beside what is in it already; mode 0600',
      },
    },
  ],
  run: ({ raw = false, into, kubeconfig: given, ...options }, session, output) =>
    withLab(options, output, async ({ cluster }) => {
      const config = loadKubeconfig(given, session.environment);
      const own = ownKubeconfig(config, cluster.name, cluster.namespace);
      if (into === undefined) {
        output.out(stringify(raw ? own : masked(own)).trimEnd());
        return EXIT.ok;
      }
      await write(into, own, TEXTS[options.language]);
      output.out(TEXTS[options.language].written(into, cluster.name));
      return EXIT.ok;
    }),
};

async function write(path: string, own: KubeconfigFile, texts: KubeconfigTexts): Promise<void> {
  const { file, taken } = merged(await present(path), own);
  if (taken.length > 0) throw new UsageError(texts.taken(path, taken.join(', ')));
  await writeWhole(path, stringify(file), 0o600);
}

async function present(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw DeployError.of('cannot-read', path, error);
  }
  try {
    const file: unknown = parse(text) ?? {};
    if (typeof file === 'object' && file !== null && !Array.isArray(file)) return { ...file };
  } catch {
    // The parser's message may quote a token.
  }
  throw new DeployError({ code: 'kubeconfig-unusable', path, reason: 'unreadable' });
}
