import type { ApplyFault } from './effect.ts';
import { CUT_DEFAULTS, strikeProtocol } from './protocol.ts';

/**
 * A COMMIT reaches the server and is carried out, its answer does not come back: the client cannot know.
 *
 * It goes by the answer, a CommandComplete with the tag COMMIT, however the COMMIT was sent: alone or as the
 * last of several statements in a text, as END, prepared, pipelined. That message and everything after it is
 * withheld; what was answered before it arrives. Not meant are single statements outside a transaction, which
 * commit without that tag, and COMMIT PREPARED; a COMMIT without a transaction has the tag and is cut too, a
 * COMMIT that ended in a ROLLBACK is not.
 *
 * `cut: 'reset'`: the client is reset, the server hears an end. `'silence'`: the connection stays open and
 * nothing gets through any more, not even the news that a side has closed, also after undo. Connections that
 * were opened before, encrypted from end to end, are left alone unless the cluster runs with `terminateTls`.
 */
export const cutAfterCommit: ApplyFault = async (scene, options, announce, id) =>
  strikeProtocol(scene, options, announce, id, {
    name: 'cut-after-commit',
    cut: options.cut ?? CUT_DEFAULTS.cut,
  });
