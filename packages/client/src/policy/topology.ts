/**
 * Who has which role, as far as the connections have told. Pure: no I/O, no time.
 *
 * A primary is believed only on the highest timeline that has been seen for its system identifier: the old primary,
 * cut off but alive, is on a lower one, and what it acknowledges is lost (PostgreSQL manual, "Timelines").
 */

/** What a server says of itself when a connection to it is opened. */
export interface ServerIdentity {
  /** Tells one running server from another behind the same address: its own address and start time. */
  readonly server: string;
  /** PostgreSQL's system identifier: the same on all members of one cluster. */
  readonly systemId: string;
  readonly role: 'primary' | 'standby';
  /** The timeline it writes; null on a standby, where an ordinary role can't learn it. */
  readonly timeline: number | null;
}

export type EndpointKind = 'master' | 'replica';

export type Judgement =
  { readonly fit: true; readonly newTimeline: boolean } | { readonly fit: false; readonly reason: string };

export class Topology {
  readonly #highestTimeline = new Map<string, number>();

  /** May a connection to this server carry statements meant for an endpoint of this kind? Remembers new timelines. */
  judge(kind: EndpointKind, identity: ServerIdentity): Judgement {
    const wanted = kind === 'master' ? 'primary' : 'standby';
    if (identity.role !== wanted) {
      return { fit: false, reason: `the server behind it is a ${identity.role}, not a ${wanted}` };
    }
    if (identity.timeline === null) return { fit: true, newTimeline: false };
    const highest = this.#highestTimeline.get(identity.systemId) ?? 0;
    if (identity.timeline < highest) {
      const reason = `the server behind it is a primary on timeline ${identity.timeline}, but timeline ${highest} has been seen: it was replaced`;
      return { fit: false, reason };
    }
    this.#highestTimeline.set(identity.systemId, identity.timeline);
    return { fit: true, newTimeline: identity.timeline > highest };
  }
}
