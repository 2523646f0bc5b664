import { DeployError } from '../errors/deploy-error.ts';
import type { Obstacle, Wait } from '../errors/deploy-error.ts';
import type { KubeApi } from '../kube/kube-api.ts';
import type { Pace } from '../kube/pace.ts';

/** A look that found something in the way. Told when it changes. */
export interface ObstacleSeen {
  readonly type: 'obstacle:seen';
  readonly wait: Wait;
  readonly obstacle: Obstacle;
}

/**
 * Looks until nothing is in the way any more.
 *
 * @throws DeployError that names what was awaited and what is in its way, once that has taken too long, or has failed.
 */
export async function waitUntil(
  {
    kube,
    pace,
    report,
  }: { readonly kube: KubeApi; readonly pace: Pace; readonly report: (seen: ObstacleSeen) => void },
  wait: Wait,
  look: () => Promise<Obstacle | undefined>,
): Promise<void> {
  const startedAt = performance.now();
  let told = '';
  let changedAt = startedAt;
  for (;;) {
    const obstacle = await look();
    if (obstacle === undefined) return;
    const text = JSON.stringify(obstacle);
    const now = performance.now();
    if (text !== told) {
      report({ type: 'obstacle:seen', wait, obstacle });
      changedAt = now;
      told = text;
    }
    const isFailure = obstacle.is === 'failed' && now - changedAt >= pace.failedMs;
    if (isFailure || now - startedAt >= pace.waitMs[wait.for])
      throw new DeployError({
        code: 'waited-in-vain',
        wait,
        obstacle,
        seconds: Math.round((now - startedAt) / 1_000),
      });
    await kube.pause(pace.pollMs);
  }
}
