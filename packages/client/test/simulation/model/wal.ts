/**
 * A server's write-ahead log and what it amounts to. A position (LSN) is the number of records before it. Records are
 * shared between servers as objects, so two logs are on one branch as far as they hold the same objects.
 */

/** Each change as physical replication carries it: what the row is afterwards. */
export type Change =
  /** One more row with this key: a blind insert. */
  | { readonly kind: 'insert'; readonly key: string }
  /** A row with this key, whether there was one or not. */
  | { readonly kind: 'put'; readonly key: string }
  | { readonly kind: 'slot'; readonly slot: string; readonly seq: number; readonly fence: number }
  | { readonly kind: 'counter'; readonly id: string; readonly value: number }
  /** No row, and nothing that standbys do anything with. */
  | ({ readonly kind: 'notify' } & ChannelMessage);

export interface ChannelMessage {
  readonly channel: string;
  readonly payload: string;
}

/** One commit. */
export interface WalRecord {
  readonly lsn: number;
  readonly timeline: number;
  readonly changes: readonly Change[];
  readonly xid: number;
  /** Tells this commit from every other one, those on other branches included. */
  readonly version: string;
}

export interface Slot {
  readonly seq: number;
  readonly fence: number;
}

/** The tables, as far as records were applied. */
export class Data {
  /** How often each key is there. */
  readonly ledger = new Map<string, number>();
  /** Each row, with the commit that wrote it. */
  readonly rows: { readonly key: string; readonly version: string }[] = [];
  readonly slots = new Map<string, Slot>();
  readonly counters = new Map<string, number>();

  apply({ changes, version }: WalRecord): void {
    for (const change of changes) {
      if (change.kind === 'insert') this.#add(change.key, version);
      else if (change.kind === 'put') {
        if (!this.ledger.has(change.key)) this.#add(change.key, version);
      } else if (change.kind === 'slot')
        this.slots.set(change.slot, { seq: change.seq, fence: change.fence });
      else if (change.kind === 'counter') this.counters.set(change.id, change.value);
    }
  }

  #add(key: string, version: string): void {
    this.ledger.set(key, (this.ledger.get(key) ?? 0) + 1);
    this.rows.push({ key, version });
  }
}

export function replay(records: readonly WalRecord[]): Data {
  const data = new Data();
  for (const record of records) data.apply(record);
  return data;
}

/** The last id that a server can know of which knows nothing but the log. */
export function highestXid(records: readonly WalRecord[]): number {
  let highest = 0;
  for (const { xid } of records) highest = Math.max(highest, xid);
  return highest;
}

/** How many records the two logs begin with in common. */
export function commonLength(one: readonly WalRecord[], other: readonly WalRecord[]): number {
  let low = 0;
  let high = Math.min(one.length, other.length);
  // Once two logs differ they stay different: a later record is never shared.
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (one[middle - 1] === other[middle - 1]) low = middle;
    else high = middle - 1;
  }
  return low;
}
