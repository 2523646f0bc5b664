import type { StepId } from '../../manifests/manifest.ts';
import type { Progress } from '../../steps/run-steps.ts';
import type { ClusterTexts } from '../cluster-texts.ts';
import type { RunOutput } from '../command.ts';
import { LiveView } from './live-view.ts';
import { progressText } from './progress-text.ts';
import type { ProgressView } from './progress-view.ts';

/** Shows a run: redrawn at a terminal, line by line elsewhere. The log gets the lines in both cases. */
export async function shown<Result>(
  steps: readonly StepId[],
  { isLive, texts, output }: { isLive: boolean; texts: ClusterTexts; output: RunOutput },
  run: (report: (progress: Progress) => void) => Promise<Result>,
): Promise<Result> {
  const view: ProgressView = isLive
    ? new LiveView(steps, texts)
    : { report: (_, line) => output.out(line), end: async () => {} };
  let started = 0;
  try {
    return await run((progress) => {
      if (progress.type === 'step:started') started += 1;
      const line = progressText(progress, started, steps.length, texts);
      if (isLive) output.log(line);
      view.report(progress, line);
    });
  } finally {
    await view.end();
  }
}
