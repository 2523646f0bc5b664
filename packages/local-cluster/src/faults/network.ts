import type { NetworkFault } from '../virtual-ip/network-fault.ts';
import type { Announce, Effect } from '../engine/engine.ts';
import type { FaultScene } from './effect.ts';
import type { FaultOptions } from './fault.ts';

/** Puts a fault on one virtual IP until it is undone. */
export async function strikeNetwork(
  scene: FaultScene,
  options: FaultOptions,
  announce: Announce,
  id: string,
  fault: NetworkFault,
): Promise<Effect> {
  const virtualIp = scene.virtualIp(options.endpoint ?? 'master');
  announce(virtualIp.kind);
  await virtualIp.addFault(id, fault);
  return { undo: () => virtualIp.removeFault(id) };
}
