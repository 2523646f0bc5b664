/** An address with its port. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * Where an address of the lab is reached from this machine: there, unless something in between says otherwise. The one
 * seam through which all traffic to the database goes.
 */
export type Reach = (place: Place) => Place;

export const asItIs: Reach = (place) => place;

/** The database's port, at its addresses and in its pods. */
export const POSTGRES_PORT = 5432;
