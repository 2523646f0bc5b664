import type { Obstacle, Wait } from '../errors/deploy-error.ts';
import type { RefusedVersion } from '../errors/operation-failure.ts';
import type { Delay } from '../kube/kube-api.ts';
import type { StepId } from '../manifests/manifest.ts';
import type { Prerequisite } from '../plan/examine.ts';

/** A text for each member of a union, by the field that tells them apart. */
export type By<Union, Key extends keyof Union> = {
  readonly [Value in Union[Key] & string]: (
    found: Extract<Union, { readonly [key in Key]: Value }>,
  ) => string;
};

export function say<Union, Key extends keyof Union>(table: By<Union, Key>, key: Key, found: Union): string {
  // The key decides what else there is, which the type of a union of all functions cannot say.
  return (table[found[key] as Union[Key] & string] as (each: Union) => string)(found);
}

export interface PlanCounts {
  readonly create: number;
  readonly change: number;
  readonly conflict: number;
  readonly refused: number;
  readonly unchanged: number;
}

/** What the commands say that speak to a cluster, in one language. */
export interface ClusterTexts {
  needsYes(): string;
  unknownStep(given: string, allowed: string): string;
  unknownObject(given: string): string;
  cluster(context: string, server: string): string;
  after(prerequisite: Prerequisite): string;
  /** Same values, but written there by somebody else. */
  adopted(): string;
  owned(manager: string, fields: string): string;
  leftOut(definition: string): string;
  versionRefused(version: RefusedVersion): string;
  counts(counts: PlanCounts): string;
  nothingToDo(): string;
  question(count: number): string;
  declined(): string;
  inConflict(resources: readonly string[]): string;
  stepStarted(step: StepId, at: number, of: number): string;
  written(action: 'create' | 'change', resource: string): string;
  webhookSilent(resource: string): string;
  waiting(wait: Wait, obstacle: Obstacle): string;
  /** What is going on, and for how long. */
  sinceSeconds(line: string, seconds: number): string;
  stepDone(written: number, unchanged: number): string;
  applied(written: number, seconds: number): string;
  /** A request that has had no answer for a second, or none that it could do with. */
  apiSlow(delay: Delay): string;
  interrupted(): string;
  /** The run that held the lock before is dead. */
  lockTakenOver(from: string): string;
}
