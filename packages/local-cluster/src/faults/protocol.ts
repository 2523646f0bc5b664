import type { Announce, Effect } from '../engine/engine.ts';
import type { CutFault } from '../virtual-ip/protocol/cuts.ts';
import type { FaultScene } from './effect.ts';
import { optionsText } from './fault-text.ts';
import type { FaultOptions } from './fault.ts';

export const CUT_DEFAULTS = { times: 1, cut: 'reset' } as const;

/**
 * Puts a fault on the messages at one virtual IP until it has cut as often as it was to, or is undone.
 * The event says how many open connections it cannot hit, because they are encrypted from end to end.
 */
export function strikeProtocol(
  scene: FaultScene,
  options: FaultOptions,
  announce: Announce,
  id: string,
  fault: CutFault,
): Effect {
  const virtualIp = scene.virtualIp(options.endpoint ?? 'master');
  const unreadable = virtualIp.unreadable();
  const remark =
    unreadable === 0
      ? ''
      : `${unreadable} open ${unreadable === 1 ? 'connection' : 'connections'} cannot be read and will not be hit`;
  const given = optionsText(fault.name, options);
  announce(virtualIp.kind, [given, remark].filter((part) => part !== '').join('; '));
  virtualIp.addCut(id, fault, options.times ?? CUT_DEFAULTS.times, () => scene.sweep());
  return {
    undo: () => Promise.resolve(virtualIp.removeCut(id)),
    isOver: () => !virtualIp.hasCut(id),
  };
}
