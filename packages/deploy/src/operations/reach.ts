/** An address with its port. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface Reached extends Place {
  /** What the certificate there must hold. @defaultValue the host */
  readonly serverName?: string;
}

/**
 * Where an address of the lab is reached from this machine: there, unless something in between says otherwise. The one
 * seam through which all traffic to the database goes.
 */
export type Reach = (place: Place) => Reached;

/** Places alone, and what a client with one name for all of them is to look for in the certificate that they share. */
export function reachable(reach: Reach, master: Place) {
  const { serverName } = reach(master);
  return {
    at: (place: Place): Place => {
      const { host, port } = reach(place);
      return { host, port };
    },
    certificate: serverName === undefined ? {} : { serverName },
  };
}

export const asItIs: Reach = (place) => place;

/** The database's port, at its addresses and in its pods. */
export const POSTGRES_PORT = 5432;
