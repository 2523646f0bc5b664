import type { Address } from '../../endpoint.ts';
import { Link } from '../link.ts';
import type { PostgresServer } from './postgres-server.ts';

/**
 * The ways replication takes: a link for each standby and each server it follows or has followed.
 * Everything else between servers, clones and the supervisor's own sessions among it, goes directly.
 */
export class ReplicationLinks {
  readonly #links = new Map<string, { standby: string; link: Promise<Link> }>();
  readonly #cuts = new Set<readonly string[]>();

  /** Where the standby reaches the server it is to follow. The same for the same two, always. */
  async between(standby: PostgresServer, upstream: PostgresServer): Promise<Address> {
    const pair = `${standby.name} ${upstream.name}`;
    const known = this.#links.get(pair);
    if (known !== undefined) return (await known.link).address;
    const link = Link.open(() => upstream.address).then((opened) => {
      opened.setHeld(this.isCut(standby.name));
      return opened;
    });
    this.#links.set(pair, { standby: standby.name, link });
    link.catch(() => this.#links.delete(pair));
    return (await link).address;
  }

  /** It hears nothing from whomever it follows, and is not heard. */
  isCut(standby: string): boolean {
    return [...this.#cuts].some((names) => names.includes(standby));
  }

  /** Resolves when nothing gets through any more; what it resolves with heals this cut. */
  async cut(standbys: readonly string[]): Promise<() => Promise<void>> {
    // A set of its own, also where the same standbys are cut twice.
    const names = [...standbys];
    this.#cuts.add(names);
    await this.#holdAsCut();
    return () => {
      this.#cuts.delete(names);
      return this.#holdAsCut();
    };
  }

  async #holdAsCut(): Promise<void> {
    await Promise.all(
      [...this.#links.values()].map(async ({ standby, link }) =>
        (await link.catch(() => undefined))?.setHeld(this.isCut(standby)),
      ),
    );
  }

  async close(): Promise<void> {
    const opened = [...this.#links.values()].map(async ({ link }) => {
      await (await link.catch(() => undefined))?.close();
    });
    this.#links.clear();
    await Promise.all(opened);
  }
}
