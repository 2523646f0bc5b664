import type { PatroniNode } from './patroni-node.ts';
import type { PatroniScene } from './scene.ts';

/**
 * Lets an agent go on that had the leader's lease and could not renew it since then.
 *
 * Once the lease may be over it must not: it goes by what it remembers of etcd, and Patroni before 3.0.3
 * overwrites the lease of whoever was promoted meanwhile (its pull request 2689), who then gives up what it
 * has acknowledged. Another agent takes its place, which remembers nothing.
 */
export async function resume(
  scene: PatroniScene,
  node: PatroniNode,
  sinceMs: number,
  { goOn, end }: { goOn: () => void; end: () => Promise<void> },
): Promise<void> {
  if (!node.agentRuns || !scene.leaseMayBeOver(sinceMs)) {
    goOn();
    return;
  }
  scene.keepDown(node);
  await end();
  goOn();
  await scene.letUp(node);
}
