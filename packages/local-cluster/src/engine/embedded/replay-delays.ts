import { waitFor } from '../../process/wait.ts';
import type { Member } from './member.ts';

/** A server reads its configuration within milliseconds. */
const IN_FORCE_WITHIN_MS = 2_000;

/** Which servers replay late while they are standbys. Of several delays for one the last holds. */
export class ReplayDelays {
  readonly #delays = new Set<{ members: readonly Member[]; delayMs: number }>();

  /** Resolves when the servers have heard of it; what it resolves with ends this delay. */
  async add(members: readonly Member[], delayMs: number): Promise<() => Promise<void>> {
    const delay = { members, delayMs: Math.max(1, Math.round(delayMs)) };
    this.#delays.add(delay);
    await this.#tell(members);
    return async () => {
      this.#delays.delete(delay);
      await this.#tell(members);
    };
  }

  /** Sets a standby to what is in force for it, after it was exempted or while it was started. */
  async apply(member: Member): Promise<void> {
    await member.server.delayReplay(this.#delayOf(member));
  }

  #delayOf(member: Member): number {
    return [...this.#delays].findLast(({ members }) => members.includes(member))?.delayMs ?? 0;
  }

  async #tell(members: readonly Member[]): Promise<void> {
    await Promise.all(members.map((member) => this.apply(member)));
    await Promise.all(members.map((member) => isInForce(member)));
  }
}

/** Tells the supervisor's order from what the server has taken over; one that does not answer takes it over when it starts. */
async function isInForce({ server }: Member): Promise<void> {
  await waitFor(
    async () => {
      if (server.state !== 'running') return true;
      const [row] = await server.session(
        (session) =>
          session.query<{ delay: number }>(
            "SELECT setting::int AS delay FROM pg_settings WHERE name = 'recovery_min_apply_delay'",
          ),
        { timeoutMs: IN_FORCE_WITHIN_MS },
      );
      return row?.delay === server.replayDelayMs;
    },
    { timeoutMs: IN_FORCE_WITHIN_MS },
  ).catch(() => undefined);
}
