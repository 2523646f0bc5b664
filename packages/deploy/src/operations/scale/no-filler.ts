import type { Lab } from '../../config/lab.ts';
import { SecretFiller } from '../../secrets/secret-filler.ts';

/** For manifests that hold no secret. */
export function noFiller(lab: Lab): SecretFiller {
  return new SecretFiller(lab, {
    directory: '.',
    environment: {},
    present: async () => undefined,
    now: () => Date.now(),
  });
}
