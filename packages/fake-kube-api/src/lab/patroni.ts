/** What a member says of itself, in the annotation `status` of its pod. */
export interface MemberStatus {
  readonly state: string;
  readonly timeline: number;
  /** In bytes from the beginning of the WAL. */
  readonly xlog_location: number;
  /** There while a setting waits for a restart. */
  readonly pending_restart?: true;
}

const START = 0x4000_0000;

/** What Patroni does and says beyond its labels, as far as a test decides it. May be changed at any time. */
export class Patroni {
  /**
   * Who leads, by the cluster's name; null: nobody, and only who has the label keeps it. Otherwise who has led before, or
   * the first member that is ready.
   */
  readonly leaders = new Map<string, string | null>();
  /** What a member says otherwise than that it works and has everything, by its pod's name. */
  readonly members = new Map<string, Partial<MemberStatus>>();
  /** The standbys that confirm writes, by the cluster's name; otherwise the first, where the cluster is synchronous. */
  readonly confirming = new Map<string, readonly string[]>();
  readonly #terms = new Map<string, { leader: string; timeline: number }>();

  /** Each change of the leader begins a new timeline. */
  timelineUnder(cluster: string, leader: string): number {
    const { leader: before, timeline } = this.#terms.get(cluster) ?? { leader, timeline: 1 };
    const now = { leader, timeline: before === leader ? timeline : timeline + 1 };
    this.#terms.set(cluster, now);
    return now.timeline;
  }

  statusOf(pod: string, role: 'primary' | 'replica', timeline: number): MemberStatus & { role: string } {
    const state = role === 'primary' ? 'running' : 'streaming';
    return { state, role, timeline, xlog_location: START, ...this.members.get(pod) };
  }

  /** The leader's position, which it writes beside its lease. */
  optimeOf(leader: string): number {
    return this.members.get(leader)?.xlog_location ?? START;
  }
}
