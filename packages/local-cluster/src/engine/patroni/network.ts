import type { Address } from '../../endpoint.ts';
import { Link } from '../link.ts';
import type { ClusterAddresses } from './addresses.ts';
import { RestGate } from './rest-gate.ts';

/** What travels between two parties. */
export type Traffic = 'sql' | 'rest' | 'etcd';

/** Who talks to whom: names of nodes, `clients` (HAProxy and whoever is behind it), `control` (etcd). */
export interface Route {
  from: string;
  to: string;
  traffic: Traffic;
}

export const CLIENTS = 'clients';
export const CONTROL = 'control';

/**
 * Everything that parts of a cluster say to each other goes through here, one way for each pair and
 * direction of connecting, so that any of them can be cut:
 *
 * SQL from node to node (replication, clones, pg_rewind): libpq in the processes of a node has
 *   `PGHOSTADDR` set to the node's own address, so that it connects to that address, at the port of the
 *   server it means; there a link leads to that server. Patroni can't be told an address per pair.
 * REST from node to node: one address for each node; requests say by their user whom they come from.
 * etcd: a link for each node, as a proxy, so that Patroni does not ask etcd for other addresses.
 * HAProxy to the nodes: links, for SQL and for the checks.
 *
 * The supervisor asks servers and agents directly.
 */
export class NodeNetwork {
  readonly #ways: (Route & { setHeld(held: boolean): void })[] = [];
  readonly #closing: (() => Promise<void>)[] = [];
  readonly #fromClients = new Map<string, Link>();
  readonly #cuts = new Set<(route: Route) => boolean>();

  async open(names: readonly string[], addresses: ClusterAddresses): Promise<void> {
    for (const [index, name] of names.entries()) {
      const node = addresses.nodes[index];
      if (node === undefined) continue;
      const { host } = node.postgres;
      await this.#link({ from: name, to: CONTROL, traffic: 'etcd' }, addresses.etcd.client, node.etcd);
      for (const [other, { postgres }] of addresses.nodes.entries()) {
        const to = names[other];
        if (to === undefined || to === name) continue;
        await this.#link({ from: name, to, traffic: 'sql' }, postgres, { host, port: postgres.port });
      }
      const gate = await RestGate.open(node.restForOthers, node.rest, names);
      this.#closing.push(() => gate.close());
      for (const [from, passage] of gate.passages)
        this.#ways.push({ from, to: name, traffic: 'rest', setHeld: (held) => passage.setHeld(held) });
      const sql = { from: CLIENTS, to: name, traffic: 'sql' } as const;
      this.#fromClients.set(name, await this.#link(sql, node.postgres, node.postgresForClients));
      await this.#link({ from: CLIENTS, to: name, traffic: 'rest' }, node.rest, node.restForClients);
    }
  }

  /** Client connections that HAProxy has open to a node. */
  connectionsTo(name: string): number {
    return this.#fromClients.get(name)?.passage.connections ?? 0;
  }

  /** Nothing gets through any more where it says so, and nothing is closed; what it returns heals this cut. */
  cut(concerns: (route: Route) => boolean): () => void {
    // A function of its own, also where the same one is given twice.
    const cut = (route: Route) => concerns(route);
    this.#cuts.add(cut);
    this.#apply();
    return () => {
      this.#cuts.delete(cut);
      this.#apply();
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing.splice(0).map((close) => close()));
  }

  async #link(route: Route, far: Address, address: Address): Promise<Link> {
    const link = await Link.open(() => far, address);
    this.#ways.push({ ...route, setHeld: (held) => link.setHeld(held) });
    this.#closing.push(() => link.close());
    return link;
  }

  #apply(): void {
    for (const way of this.#ways) way.setHeld([...this.#cuts].some((concerns) => concerns(way)));
  }
}
