import type { ManifestStep, StepId } from '../manifests/manifest.ts';
import { renderStep } from './yaml.ts';

/** The files' numbers. A step that is left out leaves a gap, so that two renderings can be compared file by file. */
const ORDER: Readonly<Record<StepId, number>> = {
  namespaces: 1,
  storage: 2,
  charts: 3,
  addresses: 4,
  'network-policies': 5,
  certificates: 6,
  credentials: 7,
  'backup-share': 8,
  cluster: 9,
  'helper-schema': 10,
  monitoring: 11,
};

/** What `render` writes: contents by file name, in the order of the steps. */
export function renderFiles(steps: readonly ManifestStep[]): Map<string, string> {
  return new Map(
    steps.map((step) => [`${String(ORDER[step.id]).padStart(2, '0')}-${step.id}.yaml`, renderStep(step)]),
  );
}
