import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { Cluster, StartOptions } from '@schooldb/local-cluster';
import type { Lab } from '../../config/lab.ts';
import type { Language } from '../../config/language.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import { writeWhole } from '../../files/write-whole.ts';
import { formatted } from '../../operations/credentials/formats.ts';
import { LOCAL_ENGINES, localName, localOptions } from '../../operations/local/local-options.ts';
import type { LocalEngine } from '../../operations/local/local-options.ts';
import { VERIFY_TEXTS } from '../../operations/verify/texts.ts';
import { columns } from '../columns.ts';
import { UsageError } from '../command.ts';
import type { Command, CommonOptions, Output } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { OPERATION_TEXTS } from '../operation-texts.ts';
import { withLab } from '../with-lab.ts';

interface LocalTexts {
  badEngine(given: string): string;
  starting(name: string): string;
  running(name: string, instances: number): string;
  noPoolers(): string;
  credentials(path: string): string;
  faults(name: string): string;
  stop(): string;
  stopped(): string;
}

const TEXTS: Record<Language, LocalTexts> = {
  de: {
    badEngine: (given) => `'${given}' ist keine Maschinerie; erlaubt: ${LOCAL_ENGINES.join(', ')}`,
    starting: (name) => `${name} wird auf diesem Rechner gestartet ...`,
    running: (name, instances) => `${name} läuft auf diesem Rechner, mit ${instances} Instanzen:`,
    noPoolers: () => 'Ohne Pooler: PgBouncer ist nicht installiert.',
    credentials: (path) => `Zugangsdaten, solange es läuft: ${path}\n  node --env-file=${path} app.js`,
    faults: (name) => `Störungen, in einem zweiten Terminal: pnpm cluster fault kill-primary --name ${name}`,
    stop: () => `Strg-C hält alles an und löscht die Daten.`,
    stopped: () => 'Angehalten, nichts blieb zurück.',
  },
  en: {
    badEngine: (given) => `'${given}' is no engine; allowed: ${LOCAL_ENGINES.join(', ')}`,
    starting: (name) => `starting ${name} on this machine ...`,
    running: (name, instances) => `${name} runs on this machine, with ${instances} instances:`,
    noPoolers: () => 'Without poolers: PgBouncer is not installed.',
    credentials: (path) => `Credentials, while it runs: ${path}\n  node --env-file=${path} app.js`,
    faults: (name) => `Faults, in a second terminal: pnpm cluster fault kill-primary --name ${name}`,
    stop: () => 'Ctrl-C stops all of it and deletes its data.',
    stopped: () => 'Stopped, and nothing was left.',
  },
};

export const local: Command<CommonOptions & { readonly engine?: string }> = {
  name: 'local',
  about: {
    de: 'den Cluster der lab.yaml auf diesem Rechner betreiben, bis Strg-C: zum Entwickeln und Proben',
    en: "run the lab.yaml's cluster on this machine, until Ctrl-C: to develop and to try things",
  },
  options: [
    {
      name: 'engine',
      value: { de: 'Art', en: 'engine' },
      about: {
        de: `${LOCAL_ENGINES.join(' oder ')}: aus npm-Paketen, oder Patroni aus denen des Systems (sonst embedded)`,
        en: `${LOCAL_ENGINES.join(' or ')}: from npm packages, or Patroni from the system's (default: embedded)`,
      },
    },
  ],
  run({ engine = 'embedded', ...options }, { signal }, output) {
    const { language } = options;
    const texts = TEXTS[language];
    if (!isEngine(engine)) throw new UsageError(texts.badEngine(engine));
    return withLab(options, output, async (lab) => {
      const startOptions = { ...localOptions(lab, engine), signal };
      output.out(texts.starting(localName(lab)));
      const cluster = await started(startOptions).catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      });
      if (cluster === undefined) {
        output.err(OPERATION_TEXTS[language].interrupted());
        return EXIT.interrupted;
      }
      const directory = await mkdtemp(join(tmpdir(), 'schooldb-credentials-'));
      try {
        const path = await writeCredentials(directory, cluster, lab);
        for (const line of welcome(cluster, lab, path, language)) output.out(line);
        await untilStopped(cluster, signal, output);
      } finally {
        await cluster.stop();
        await rm(directory, { recursive: true, force: true });
      }
      output.out(texts.stopped());
      return EXIT.ok;
    });
  },
};

function isEngine(text: string): text is LocalEngine {
  return (LOCAL_ENGINES as readonly string[]).includes(text);
}

/** @throws DeployError with the cluster's own line, which says what to do. */
async function started(options: StartOptions): Promise<Cluster> {
  // No other command needs it.
  const { ClusterError, startCluster } = await import('@schooldb/local-cluster');
  try {
    return await startCluster(options);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    throw new DeployError({ code: 'local-failed', reason: error.message }, { cause: error });
  }
}

/** A directory of mode 0700, and a file for the owner alone in it. */
async function writeCredentials(directory: string, cluster: Cluster, lab: Lab): Promise<string> {
  const caPath = join(directory, `${lab.cluster.name}-ca.crt`);
  const path = join(directory, `${lab.cluster.name}.env`);
  await writeWhole(caPath, cluster.ca, 0o600);
  const { endpoints: addresses, database, user, password, ca } = cluster;
  const lines = formatted('env', { addresses, database, user, password, ca }, caPath);
  await writeWhole(path, `${lines.join('\n')}\n`, 0o600);
  return path;
}

function welcome({ endpoints }: Cluster, lab: Lab, path: string, language: Language): string[] {
  const texts = TEXTS[language];
  const names = VERIFY_TEXTS[language].endpoints;
  const rows = (['master', 'replica', 'masterPooler', 'replicaPooler'] as const).flatMap((kind) => {
    const place = endpoints[kind];
    return place === undefined ? [] : [[names[kind], `${place.host}:${place.port}`]];
  });
  return [
    texts.running(lab.cluster.name, lab.cluster.instances),
    ...columns(rows).map((line) => `  ${line}`),
    ...(endpoints.masterPooler === undefined ? [texts.noPoolers()] : []),
    texts.credentials(path),
    texts.faults(localName(lab)),
    texts.stop(),
  ];
}

/** Until Ctrl-C, or somebody else has stopped it. What happens to it meanwhile is shown. */
async function untilStopped(cluster: Cluster, signal: AbortSignal, output: Output): Promise<void> {
  const unsubscribe = cluster.on(({ at, type, detail }) =>
    output.out(`${new Date(at).toISOString().slice(11, 19)} ${type}: ${detail}`),
  );
  const stopped = signal.aborted ? Promise.resolve() : once(signal, 'abort');
  await Promise.race([stopped, cluster.ended]);
  unsubscribe();
}
