import { waitFor } from '../../process/wait.ts';
import type { Member } from './member.ts';
import type { RoleSettings } from './configuration.ts';
import { awaitStreaming } from './replication.ts';

const CONFIRMED_WITHIN_MS = 30_000;
/** What streams at all has everything within this. */
const HELD_WITHIN_MS = 2_000;

/**
 * Which standbys confirm commits, and which may be alone in holding an acknowledged one, so that a
 * promotion must hear them. A name is *needed* before the primary may count on it, and is so until
 * another standby provably holds everything or it holds everything again itself: a needed standby
 * that is gone blocks a promotion, it never makes one lossy.
 */
export class ConfirmingStandbys {
  readonly #synchronous: boolean;
  /** Whom the primary waits for, as its configuration says. */
  #listed = new Set<string>();
  #needed = new Set<string>();

  constructor(synchronous: boolean) {
    this.#synchronous = synchronous;
  }

  get needed(): readonly string[] {
    return [...this.#needed];
  }

  isNeeded(name: string): boolean {
    return this.#needed.has(name);
  }

  /** For a server that is about to be primary: those it can count on are those that were needed so far. */
  settingsOfSuccessor(successor: string): RoleSettings['confirming'] {
    return this.#synchronous ? this.needed.filter((name) => name !== successor) : undefined;
  }

  /** The successor has become primary with these settings. */
  succeed(successor: string): void {
    this.#needed.delete(successor);
    this.#listed = new Set(this.#needed);
  }

  /** What a standby's configuration says: nobody, but never asynchronous, should it be promoted by hand. */
  get settingsOfStandby(): RoleSettings['confirming'] {
    return this.#synchronous ? [] : undefined;
  }

  /** Lets a streaming standby confirm commits. */
  async admit(standby: Member, primary: Member, signal: AbortSignal): Promise<void> {
    if (!this.#synchronous) return;
    this.#needed.add(standby.name);
    if (!this.#listed.has(standby.name)) {
      this.#listed.add(standby.name);
      await this.#tell(primary);
    }
    const options = { confirming: true, timeoutMs: CONFIRMED_WITHIN_MS, signal };
    if (!(await awaitStreaming(primary.server, [standby.name], options))) {
      throw new Error(`${standby.name} does not confirm commits within ${CONFIRMED_WITHIN_MS} ms`);
    }
  }

  /**
   * Before the data of a standby that no longer runs is replaced: nothing can be acknowledged by it
   * any more, so once another one has flushed what the primary has written until now, that one holds
   * everything. Where none does, the name stays needed until its copy streams.
   */
  async dismiss(standby: Member, primary: Member, signal: AbortSignal): Promise<void> {
    if (!this.#needed.has(standby.name)) return;
    this.#listed.delete(standby.name);
    await this.#tell(primary);
    if (await this.#isHeldBy([...this.#listed], primary, signal)) this.#needed.delete(standby.name);
  }

  async #tell(primary: Member): Promise<void> {
    await primary.server.configure({ upstream: 'nowhere', confirming: [...this.#listed] });
  }

  async #isHeldBy(names: readonly string[], primary: Member, signal: AbortSignal): Promise<boolean> {
    if (names.length === 0) return false;
    const held = await primary.server.session(async (session) => {
      const [now] = await session.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
      return waitFor(
        async () => {
          const [row] = await session.query<{ held: boolean | null }>(
            `SELECT bool_or(flush_lsn >= $1::pg_lsn) AS held FROM pg_stat_replication WHERE application_name = ANY ($2)`,
            [now?.lsn, names],
          );
          return row?.held === true;
        },
        { timeoutMs: HELD_WITHIN_MS, everyMs: 50, signal },
      );
    });
    return held === true;
  }
}
