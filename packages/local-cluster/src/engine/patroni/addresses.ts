import { randomInt } from 'node:crypto';
import type { Address } from '../../endpoint.ts';
import { findFreePort } from '../../process/ports.ts';

/** Where the parts of one node are, and where others find them. */
export interface NodeAddresses {
  /** PostgreSQL itself. */
  postgres: Address;
  /** Patroni's REST interface itself. */
  rest: Address;
  /** What Patroni tells the other nodes to use instead. */
  restForOthers: Address;
  /** Where the node finds etcd. */
  etcd: Address;
  /** Where HAProxy finds PostgreSQL and the REST interface. */
  postgresForClients: Address;
  restForClients: Address;
}

export interface ClusterAddresses {
  nodes: readonly NodeAddresses[];
  etcd: { client: Address; peer: Address };
  balancer: { master: Address; replica: Address; statistics: Address };
}

/**
 * Every cluster has a loopback network of its own, 127.x.y.0/24, and every node an address in it: who
 * connects to whom can be told from the address, and no two clusters meet at a port.
 */
export async function chooseAddresses(nodes: number): Promise<ClusterAddresses> {
  const network = `127.${randomInt(16, 255)}.${randomInt(1, 255)}`;
  const at = async (host: number): Promise<Address> => ({
    host: `${network}.${host}`,
    port: await findFreePort(),
  });
  const found: NodeAddresses[] = [];
  for (let number = 1; number <= nodes; number += 1) {
    found.push({
      postgres: await at(number),
      rest: await at(number),
      restForOthers: await at(number),
      etcd: await at(number),
      postgresForClients: await at(CLIENTS),
      restForClients: await at(CLIENTS),
    });
  }
  return {
    nodes: found,
    etcd: { client: await at(CONTROL), peer: await at(CONTROL) },
    balancer: { master: await at(CLIENTS), replica: await at(CLIENTS), statistics: await at(CLIENTS) },
  };
}

/** Last numbers beside those of the nodes, which are 1 to 8. */
const CONTROL = 100;
const CLIENTS = 200;
