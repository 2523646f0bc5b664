import { STEP_IDS } from '../manifests/manifest.ts';
import type { ManifestStep } from '../manifests/manifest.ts';
import { renderStep } from './yaml.ts';

/**
 * What `render` writes: contents by file name, in the order of the steps. A step that is left out leaves a gap in the numbers,
 * so that two renderings can be compared file by file.
 */
export function renderFiles(steps: readonly ManifestStep[]): Map<string, string> {
  return new Map(
    steps.map((step) => [
      `${String(STEP_IDS.indexOf(step.id) + 1).padStart(2, '0')}-${step.id}.yaml`,
      renderStep(step),
    ]),
  );
}
