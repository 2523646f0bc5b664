import type { ApplyFault } from './effect.ts';
import { CUT_DEFAULTS, strikeProtocol } from './protocol.ts';

const CUT_AT_MESSAGE_DEFAULTS = { direction: 'upstream', message: 1, delivered: false } as const;

/**
 * A connection is cut at its n-th message in one direction, which arrives whole (`delivered`) or not at all.
 *
 * Messages are PostgreSQL's own: Query, Parse, Bind, Describe, Execute, Sync … upstream, RowDescription,
 * DataRow, CommandComplete, ReadyForQuery … downstream, notices among them. Each connection is counted by
 * itself: one opened while the fault is in force from the first message after the first ReadyForQuery, one that
 * is open and readable from the moment of the fault.
 *
 * `cut: 'reset'`: the client is reset. What was delivered to the server it carries out every time, since it
 * hears an end and no reset. A message to the client that is larger than the buffers of its socket may
 * still suffer from the reset behind it. `'silence'` and connections that cannot be read: as with
 * `cut-after-commit`.
 */
export const cutAtMessage: ApplyFault = async (scene, options, announce, id) => {
  const { direction, message, delivered } = { ...CUT_AT_MESSAGE_DEFAULTS, ...options };
  return strikeProtocol(scene, options, announce, id, {
    name: 'cut-at-message',
    direction: direction === 'downstream' ? 'downstream' : 'upstream',
    message,
    delivered,
    cut: options.cut ?? CUT_DEFAULTS.cut,
  });
};
