/**
 * Who has which role, as far as the connections have told. Pure: no I/O, time is passed in.
 *
 * A primary is believed
 *
 *   on the highest timeline that has been seen for its cluster: the old primary, cut off but alive, is on a lower one,
 *   and what it acknowledges is lost (PostgreSQL manual, "Timelines");
 *
 *   of the cluster that this client knows. Another system identifier (a restore from a backup, or an address that is
 *   wrong) is believed once no connection to the known cluster is left;
 *
 *   where no other server claims the same timeline. Two living ones are a split brain: neither is believed until only
 *   one of them has been met for a while, or one of a newer timeline.
 */

/** What a server says of itself when a connection to it is opened. */
export interface ServerIdentity {
  /** Tells one running server from another behind the same address: its port and start time. */
  readonly server: string;
  /** PostgreSQL's system identifier: the same on all members of one cluster. */
  readonly systemId: string;
  readonly role: 'primary' | 'standby';
  /** The timeline it writes; null on a standby, where an ordinary role can't learn it. */
  readonly timeline: number | null;
}

export type EndpointKind = 'master' | 'replica' | 'masterPooler' | 'replicaPooler';

/** The role that an endpoint of this kind should lead to. */
export function roleWanted(kind: EndpointKind): 'primary' | 'standby' {
  return kind === 'master' || kind === 'masterPooler' ? 'primary' : 'standby';
}

export type Judgement =
  | {
      readonly fit: true;
      /** What was not known before. */
      readonly news: 'timeline' | 'cluster' | undefined;
    }
  | {
      readonly fit: false;
      readonly reason: string;
      readonly news: 'timeline' | undefined;
      /** A server with the same claim, to which connections are open: whoever judges must find out whether it lives. */
      readonly rival?: string;
    };

/** What is known of the cluster as a whole. */
export interface ClusterView {
  /** Undefined until a primary was met. */
  readonly systemId: string | undefined;
  readonly timeline: number | undefined;
  /** Why the last primary that was met is not used; undefined where it is. */
  readonly refused: string | undefined;
}

interface Contest {
  readonly timeline: number;
  /** The servers that claim it, with the time when each was last met. */
  readonly metAt: Map<string, number>;
}

/** A server of a split brain that was not met for this long is taken for gone. */
const CONTEST_MS = 10_000;

export class Topology {
  readonly #highestTimeline = new Map<string, number>();
  /** Open connections to each server of each cluster. */
  readonly #open = new Map<string, Map<string, number>>();
  #systemId: string | undefined;
  /** The server that was last believed to be the primary. */
  #primary: string | undefined;
  #contest: Contest | undefined;
  #refused: string | undefined;

  get view(): ClusterView {
    const systemId = this.#systemId;
    const timeline = systemId === undefined ? undefined : this.#highestTimeline.get(systemId);
    return { systemId, timeline, refused: this.#refused };
  }

  /**
   * May a connection to this server carry statements meant for an endpoint of this kind? Remembers what it learns, also
   * from a primary that is met where a standby was looked for: a replica's address leads to the new one for a while.
   */
  judge(kind: EndpointKind, identity: ServerIdentity, now: number): Judgement {
    const wanted = roleWanted(kind);
    if (identity.role !== wanted) {
      const reason = `the server behind it is a ${identity.role}, not a ${wanted}`;
      return { fit: false, reason, news: this.#learn(identity) };
    }
    if (identity.timeline === null) return this.#judgeStandby(identity);
    const judgement = this.#judgePrimary(identity, identity.timeline, now);
    this.#refused = judgement.fit ? undefined : judgement.reason;
    return judgement;
  }

  /** Whether a newer timeline than that of this primary is known: nothing that it still says will last. */
  isReplaced({ systemId, timeline }: ServerIdentity): boolean {
    return timeline !== null && timeline < (this.#highestTimeline.get(systemId) ?? 0);
  }

  /** A connection that was found fit is open. @returns to be called when it is gone. */
  opened({ systemId, server }: ServerIdentity): () => void {
    let servers = this.#open.get(systemId);
    if (servers === undefined) this.#open.set(systemId, (servers = new Map()));
    servers.set(server, (servers.get(server) ?? 0) + 1);
    return () => {
      const left = (servers.get(server) ?? 0) - 1;
      if (left > 0) servers.set(server, left);
      else servers.delete(server);
      if (servers.size === 0) this.#open.delete(systemId);
    };
  }

  /** Both answer as primaries of the same timeline: neither is believed from now on. */
  contested(identity: ServerIdentity, rival: string, now: number): void {
    if (identity.timeline === null) return;
    this.#contest = {
      timeline: identity.timeline,
      metAt: new Map([
        [identity.server, now],
        [rival, now],
      ]),
    };
  }

  /**
   * A standby of the known cluster follows this timeline, so there is a primary that writes it, or was.
   *
   * @returns whether that is news.
   */
  heardOf(systemId: string, timeline: number): boolean {
    const highest = this.#highestTimeline.get(systemId);
    if (systemId !== this.#systemId || highest === undefined || timeline <= highest) return false;
    this.#highestTimeline.set(systemId, timeline);
    return true;
  }

  /** Forgets the highest timeline: the next primary that is met is believed, whatever its timeline. */
  acceptTimeline(): void {
    this.#highestTimeline.clear();
    this.#contest = undefined;
    this.#primary = undefined;
    this.#refused = undefined;
  }

  /** Believes a primary of the known cluster on a timeline that had not been seen. */
  #learn({ systemId, server, timeline }: ServerIdentity): 'timeline' | undefined {
    const isForeign = this.#systemId !== undefined && systemId !== this.#systemId;
    if (timeline === null || isForeign || timeline <= (this.#highestTimeline.get(systemId) ?? 0))
      return undefined;
    this.#believe(systemId, server, timeline);
    return 'timeline';
  }

  #believe(systemId: string, server: string, timeline: number): void {
    this.#systemId = systemId;
    this.#primary = server;
    this.#highestTimeline.set(systemId, timeline);
  }

  #judgeStandby({ systemId }: ServerIdentity): Judgement {
    if (this.#systemId === undefined || systemId === this.#systemId) return { fit: true, news: undefined };
    return unfit(foreign(systemId, this.#systemId));
  }

  #judgePrimary({ systemId, server }: ServerIdentity, timeline: number, now: number): Judgement {
    const known = this.#systemId;
    const isForeign = known !== undefined && systemId !== known;
    if (isForeign && this.#open.has(known)) return unfit(foreign(systemId, known));
    const highest = this.#highestTimeline.get(systemId) ?? 0;
    if (timeline < highest) {
      return unfit(
        `the server behind it is a primary on timeline ${timeline}, but timeline ${highest} has been seen: it was replaced`,
      );
    }
    const rival = this.#rivalOf(systemId, server, timeline, highest, now);
    if (rival !== undefined) return rival;
    this.#believe(systemId, server, timeline);
    if (isForeign) return { fit: true, news: 'cluster' };
    return { fit: true, news: timeline > highest ? 'timeline' : undefined };
  }

  #rivalOf(
    systemId: string,
    server: string,
    timeline: number,
    highest: number,
    now: number,
  ): Judgement | undefined {
    if (timeline > highest) {
      this.#contest = undefined;
      return undefined;
    }
    if (this.#contest?.timeline === timeline) {
      this.#contest.metAt.set(server, now);
      for (const [other, metAt] of this.#contest.metAt) {
        if (other !== server && now - metAt < CONTEST_MS)
          return unfit(`two servers are primary on timeline ${timeline}: neither is believed`);
      }
      this.#contest = undefined;
      return undefined;
    }
    const rival = this.#primary;
    if (rival === undefined || rival === server || !this.#open.get(systemId)?.has(rival)) return undefined;
    return {
      fit: false,
      reason: `another server was primary on timeline ${timeline} until now, and connections to it are open`,
      news: undefined,
      rival,
    };
  }
}

function unfit(reason: string): Judgement {
  return { fit: false, reason, news: undefined };
}

function foreign(systemId: string, known: string): string {
  return `the server behind it belongs to another cluster (system identifier ${systemId}, not ${known})`;
}
