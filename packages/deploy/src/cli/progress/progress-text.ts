import type { Progress } from '../../steps/run-steps.ts';
import { say } from '../cluster-texts.ts';
import type { By, ClusterTexts } from '../cluster-texts.ts';

/** A line for what has just happened. */
export function progressText(progress: Progress, at: number, of: number, texts: ClusterTexts): string {
  const table: By<Progress, 'type'> = {
    'step:started': ({ step }) => texts.stepStarted(step, at, of),
    'object:written': ({ action, resource }) => texts.written(action, resource),
    'webhook:silent': ({ resource }) => texts.webhookSilent(resource),
    'obstacle:seen': ({ wait, obstacle }) => texts.waiting(wait, obstacle),
    'step:done': ({ written, unchanged }) => texts.stepDone(written, unchanged),
  };
  return say(table, 'type', progress);
}
