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

/** `newTimeline`: it is a primary on a timeline that had not been seen, whether it is fit for the endpoint or not. */
export type Judgement =
  | { readonly fit: true; readonly newTimeline: boolean }
  | { readonly fit: false; readonly newTimeline: boolean; readonly reason: string };

export class Topology {
  readonly #highestTimeline = new Map<string, number>();

  /**
   * May a connection to this server carry statements meant for an endpoint of this kind? Remembers new timelines, also
   * of a primary met where a standby was looked for: the replica's address leads to the new primary for a while.
   */
  judge(kind: EndpointKind, identity: ServerIdentity): Judgement {
    const wanted = kind === 'master' ? 'primary' : 'standby';
    const newTimeline = this.#learn(identity);
    if (identity.role !== wanted) {
      return {
        fit: false,
        newTimeline,
        reason: `the server behind it is a ${identity.role}, not a ${wanted}`,
      };
    }
    const highest = this.#highestTimeline.get(identity.systemId);
    if (identity.timeline !== null && highest !== undefined && identity.timeline < highest) {
      const reason = `the server behind it is a primary on timeline ${identity.timeline}, but timeline ${highest} has been seen: it was replaced`;
      return { fit: false, newTimeline, reason };
    }
    return { fit: true, newTimeline };
  }

  #learn({ systemId, timeline }: ServerIdentity): boolean {
    if (timeline === null || timeline <= (this.#highestTimeline.get(systemId) ?? 0)) return false;
    this.#highestTimeline.set(systemId, timeline);
    return true;
  }
}
