import type { Address } from '../../endpoint.ts';
import { Link } from '../link.ts';
import type { PostgresServer } from './postgres-server.ts';

/** Whether nothing gets through between a standby and the server it follows or would follow. */
type Cut = (standby: string, upstream: string) => boolean;

/**
 * The ways replication takes: a link for each standby and each server it follows or has followed.
 * Everything else between servers, clones and the supervisor's own sessions among it, goes directly.
 */
export class ReplicationLinks {
  readonly #links = new Map<string, { standby: string; upstream: string; link: Promise<Link> }>();
  readonly #cuts = new Set<Cut>();

  /** Where the standby reaches the server it is to follow. The same for the same two, always. */
  async between(standby: PostgresServer, upstream: PostgresServer): Promise<Address> {
    const pair = `${standby.name} ${upstream.name}`;
    const known = this.#links.get(pair);
    if (known !== undefined) return (await known.link).address;
    const link = Link.open(() => upstream.address).then((opened) => {
      opened.setHeld(this.isCut(standby.name, upstream.name));
      return opened;
    });
    this.#links.set(pair, { standby: standby.name, upstream: upstream.name, link });
    link.catch(() => this.#links.delete(pair));
    return (await link).address;
  }

  /** The standby hears nothing from that server, and is not heard. */
  isCut(standby: string, upstream: string): boolean {
    return [...this.#cuts].some((cut) => cut(standby, upstream));
  }

  /** Resolves when nothing gets through any more; what it resolves with heals this cut. */
  async cut(cut: Cut): Promise<() => Promise<void>> {
    this.#cuts.add(cut);
    await this.#holdAsCut();
    return () => {
      this.#cuts.delete(cut);
      return this.#holdAsCut();
    };
  }

  async #holdAsCut(): Promise<void> {
    await Promise.all(
      [...this.#links.values()].map(async ({ standby, upstream, link }) =>
        (await link.catch(() => undefined))?.setHeld(this.isCut(standby, upstream)),
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
