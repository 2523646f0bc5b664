import { dirname } from 'node:path';
import { schemaGrantSql, schemaSql } from '@schooldb/client';
import type { Lab } from '../config/lab.ts';
import type { KubeConnection } from '../kube/connection.ts';
import { KubeApi, resourceOf } from '../kube/kube-api.ts';
import { connect } from '../kube/kubeconfig.ts';
import { valueAt } from '../kube/live-object.ts';
import { PACE } from '../kube/pace.ts';
import type { Pace } from '../kube/pace.ts';
import { resourceText } from '../kube/resource.ts';
import type { ManifestStep } from '../manifests/manifest.ts';
import { manifestSteps } from '../manifests/steps.ts';
import type { Forced } from '../plan/examine.ts';
import { planSteps } from '../plan/plan.ts';
import { SecretFiller } from '../secrets/secret-filler.ts';
import { runSteps } from '../steps/run-steps.ts';
import type { Progress } from '../steps/run-steps.ts';
import { withLab } from './commands.ts';
import type { CommandOptions, Output } from './commands.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { readCharts, SHIPPED_LAB } from './lab-file.ts';
import { dueCount, planLines } from './plan-output.ts';
import { CLUSTER_TEXTS } from './texts.ts';
import { say } from './cluster-texts.ts';
import type { By, ClusterTexts } from './cluster-texts.ts';

/** What a run of the program lives in. */
export interface Session {
  readonly environment: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Asks at the terminal; undefined where there is none. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** @defaultValue PACE */
  readonly pace?: Pace;
}

export interface ClusterOptions extends CommandOptions {
  readonly kubeconfig?: string;
  /** Objects to take from whoever has changed them, as the plan names them. */
  readonly force?: readonly string[];
}

interface Target {
  readonly lab: Lab;
  readonly steps: readonly ManifestStep[];
  readonly connection: KubeConnection;
  readonly kube: KubeApi;
  readonly pace: Pace;
  readonly forced: Forced;
  readonly newFiller: () => SecretFiller;
}

export async function plan(
  { json = false, ...options }: ClusterOptions & { readonly json?: boolean },
  session: Session,
  output: Output,
): Promise<ExitCode> {
  return withTarget(options, session, output, async ({ steps, connection, kube, forced, newFiller }) => {
    const plans = await planSteps(kube, steps, { filler: newFiller(), forced });
    const { context, server } = connection;
    const due = dueCount(plans);
    if (json) {
      output.out(JSON.stringify({ version: 1, context, server, due, steps: plans }, undefined, 2));
    } else {
      const texts = CLUSTER_TEXTS[options.language];
      for (const line of [texts.cluster(context, server), ...planLines(plans, texts)]) output.out(line);
    }
    return due === 0 ? EXIT.ok : EXIT.changes;
  });
}

export async function apply(
  { yes = false, only, ...options }: ClusterOptions & { readonly yes?: boolean; readonly only?: string },
  session: Session,
  output: Output,
): Promise<ExitCode> {
  const texts = CLUSTER_TEXTS[options.language];
  const misused = (message: string): ExitCode => {
    output.err(`deploy:lab: ${message}`);
    return EXIT.usage;
  };
  const { ask } = session;
  if (!yes && ask === undefined) return misused(texts.needsYes());
  return withTarget(options, session, output, async (target) => {
    const steps = target.steps.filter(({ id }) => only === undefined || id === only);
    if (steps.length === 0)
      return misused(texts.unknownStep(only ?? '', target.steps.map(({ id }) => id).join(', ')));
    const names = new Set(
      steps.flatMap(({ manifests }) => manifests.map(({ object }) => resourceText(resourceOf(object)))),
    );
    for (const each of target.forced) if (!names.has(each)) return misused(texts.unknownObject(each));
    const plans = await planSteps(target.kube, steps, { filler: target.newFiller(), forced: target.forced });
    const { context, server } = target.connection;
    for (const line of [texts.cluster(context, server), ...planLines(plans, texts)]) output.out(line);
    const conflicts = plans
      .flatMap(({ resources }) => resources)
      .filter(({ action }) => action === 'conflict')
      .map(({ resource }) => resourceText(resource));
    if (conflicts.length > 0) {
      output.err(`deploy:lab: ${texts.declined()} ${texts.inConflict(conflicts)}`);
      return EXIT.failed;
    }
    const due = dueCount(plans);
    if (
      due > 0 &&
      !yes &&
      !texts.consent.includes((await ask?.(texts.question(due)))?.trim().toLowerCase() ?? '')
    ) {
      output.out(texts.declined());
      return EXIT.failed;
    }
    await applied(target, steps, texts, output);
    return EXIT.ok;
  });
}

async function applied(
  target: Target,
  steps: readonly ManifestStep[],
  texts: ClusterTexts,
  output: Output,
): Promise<void> {
  const startedAt = performance.now();
  let written = 0;
  let started = 0;
  const report = (progress: Progress): void => {
    if (progress.type === 'step:started') started += 1;
    if (progress.type === 'object:written') written += 1;
    output.out(progressText(progress, started, steps.length, texts));
  };
  await runSteps({ ...target, report }, steps);
  output.out(texts.applied(written, Math.round((performance.now() - startedAt) / 1_000)));
}

function progressText(progress: Progress, at: number, of: number, texts: ClusterTexts): string {
  const table: By<Progress, 'type'> = {
    'step:started': ({ step }) => texts.stepStarted(step, at, of),
    'object:written': ({ action, resource }) => texts.written(action, resource),
    'webhook:silent': ({ resource }) => texts.webhookSilent(resource),
    'obstacle:seen': ({ wait, obstacle }) => texts.waiting(wait, obstacle),
    'step:done': ({ written, unchanged }) => texts.stepDone(written, unchanged),
  };
  return say(table, 'type', progress);
}

/** The lab with all that is needed to reach its cluster; Ctrl-C ends it with a word on what that leaves. */
async function withTarget(
  { kubeconfig, force = [], ...options }: ClusterOptions,
  { environment, signal, pace = PACE }: Session,
  output: Output,
  use: (target: Target) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { lab: path = SHIPPED_LAB, language } = options;
  return withLab(path, language, output, async (lab) => {
    const helperSql = `${schemaSql()}\n${schemaGrantSql(lab.cluster.user)}\n`;
    const steps = manifestSteps(lab, { helperSql, chartFiles: await readCharts(lab, path) });
    const connection = connect(kubeconfig, environment);
    const kube = new KubeApi(connection, pace, signal);
    const present = (name: string) => secretValues(kube, lab.cluster.namespace, name);
    const newFiller = () =>
      new SecretFiller(lab, { directory: dirname(path), environment, present, now: () => Date.now() });
    try {
      return await use({ lab, forced: new Set(force), steps, connection, kube, pace, newFiller });
    } catch (error) {
      if (!signal.aborted) throw error;
      output.err(CLUSTER_TEXTS[language].interrupted());
      return EXIT.interrupted;
    } finally {
      connection.close();
    }
  });
}

async function secretValues(
  kube: KubeApi,
  namespace: string,
  name: string,
): Promise<Record<string, string> | undefined> {
  const observed = await kube.get({ kind: 'Secret', namespace, name });
  if (observed.state !== 'found') return undefined;
  const data = Object.entries((valueAt(observed.object, 'data') ?? {}) as Record<string, string>);
  return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}
