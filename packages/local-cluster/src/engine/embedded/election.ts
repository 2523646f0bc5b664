import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../process/wait.ts';
import { chooseStandby, positionOf, type Answer } from './choose-standby.ts';
import type { ConfirmingStandbys } from './confirming-standbys.ts';
import type { Member } from './member.ts';
import { askPosition } from './replication.ts';

/** How long a standby may take to start and to give its last word, before the others hear that it is missing. */
const START_MS = 5_000;
const LAST_WORD_MS = 2_000;
const RETRY_MS = 200;

/**
 * Cuts the standbys off from the lost primary, hears how far each of them is, and returns the one to
 * promote. Waits as long as that can't be known, and says why through `onBlocked`.
 */
export async function electStandby(
  standbys: readonly Member[],
  {
    confirming,
    synchronous,
    reaches,
    signal,
    onBlocked,
  }: {
    confirming: ConfirmingStandbys;
    synchronous: boolean;
    /** One that is out of the supervisor's reach does not answer. */
    reaches: (member: Member) => boolean;
    signal: AbortSignal;
    onBlocked: (why: string) => void;
  },
): Promise<Member> {
  for (;;) {
    const candidates = standbys.filter((member) =>
      synchronous ? confirming.isNeeded(member.name) : !member.diverged && hasRoom(member),
    );
    const answers = await Promise.all(
      candidates.map(async (member) =>
        reaches(member) ? hearLastWord(member, confirming, signal) : undefined,
      ),
    );
    signal.throwIfAborted();
    // Of several that are equally far one with room comes first.
    const byName = new Map(
      candidates
        .map((member, index) => ({ member, answer: answers[index] }))
        .toSorted((a, b) => Number(hasRoom(b.member)) - Number(hasRoom(a.member)))
        .map(({ member, answer }) => [member.name, answer]),
    );
    const choice = chooseStandby(byName, synchronous);
    if ('promote' in choice) {
      const chosen = candidates.find(({ name }) => name === choice.promote);
      if (chosen !== undefined && hasRoom(chosen)) return chosen;
      onBlocked(`${choice.promote} holds the most and has no room on its disk to be primary`);
    } else {
      onBlocked(choice.blocked);
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}

/** A promotion writes: a timeline's history, and the first segment of its WAL. */
function hasRoom({ server }: Member): boolean {
  return server.disk?.full !== true;
}

async function hearLastWord(
  member: Member,
  confirming: ConfirmingStandbys,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const { server } = member;
  if (member.diverged || server.state === 'cloning' || server.state === 'frozen') return undefined;
  // Whatever it followed before: now it is cut off, and is turned around by the next reign.
  const cutOff = () => server.configure({ upstream: 'nowhere', confirming: confirming.settingsOfStandby });
  try {
    const startSignal = AbortSignal.any([signal, AbortSignal.timeout(START_MS)]);
    await cutOff();
    if (server.state === 'stopped') await server.start(startSignal);
    if (server.state === 'starting') {
      await server.untilReady(startSignal);
      await cutOff();
    }
  } catch {
    return undefined;
  }
  return waitFor(
    async () => {
      const answer = await askPosition(server);
      return positionOf(answer) === undefined ? undefined : answer;
    },
    { timeoutMs: LAST_WORD_MS, everyMs: 10, signal },
  ).catch(() => undefined);
}
