import { succeeded } from '../drivers/driver.ts';
import type { Answer, Session } from '../drivers/driver.ts';
import { epochMs } from '../measure/clock.ts';
import type { Random } from '../measure/random.ts';
import type { HistoryWriter } from '../verify/history.ts';
import { Acknowledged } from './staleness.ts';
import type { StalenessTally } from './staleness.ts';
import type { Script, Workload } from './workload.ts';

const READ_RATIO = 0.5;

/**
 * Each client writes rows with a strictly rising sequence, one at a time, and reads its own newest row. Writes are
 * blind: no key and no ON CONFLICT that could hide a row that was written twice. After an unknown outcome the client
 * goes on with the next number, so that each (client, seq) is asked for in one call only.
 */
export class LedgerWorkload implements Workload {
  readonly pulse = 'write';
  readonly #table: string;
  readonly #history: HistoryWriter;
  readonly #staleness: StalenessTally;
  readonly #readRatio: number;

  /** @param readRatio - The share of reads, 0 to 1. */
  constructor(
    table: string,
    history: HistoryWriter,
    staleness: StalenessTally,
    readRatio: number = READ_RATIO,
  ) {
    this.#readRatio = readRatio;
    this.#table = table;
    this.#history = history;
    this.#staleness = staleness;
  }

  script(client: number, session: Session, random: Random): Script {
    const page = new LedgerPage(client, session, this.#table, this.#history, this.#staleness);
    return {
      next: () =>
        random() < this.#readRatio
          ? { kind: 'read', answer: page.read() }
          : { kind: 'write', answer: page.write() },
    };
  }
}

/** One client's part of the ledger. */
class LedgerPage {
  readonly #client: number;
  readonly #session: Session;
  readonly #insert: string;
  readonly #newest: string;
  readonly #history: HistoryWriter;
  readonly #staleness: StalenessTally;
  readonly #acknowledged = new Acknowledged();
  #seq = 0;

  constructor(
    client: number,
    session: Session,
    table: string,
    history: HistoryWriter,
    staleness: StalenessTally,
  ) {
    this.#client = client;
    this.#session = session;
    this.#insert = `insert into ${table} (client, seq) values ($1, $2)`;
    this.#newest = `select coalesce(max(seq), 0) as seq from ${table} where client = $1`;
    this.#history = history;
    this.#staleness = staleness;
  }

  async write(): Promise<Answer> {
    const seq = ++this.#seq;
    this.#history.invoke(epochMs(), this.#client, seq);
    const answer = await this.#session.write({ text: this.#insert, values: [this.#client, seq] });
    const at = epochMs();
    this.#history.complete(at, this.#client, seq, answer);
    if (succeeded(answer)) this.#acknowledged.add(seq, at);
    return answer;
  }

  async read(): Promise<Answer> {
    const sentAt = epochMs();
    const answer = await this.#session.read({ text: this.#newest, values: [this.#client] });
    if (succeeded(answer)) {
      const { behind, behindMs } = this.#acknowledged.seenAt(sentAt, Number(answer.rows[0]?.['seq']));
      this.#staleness.add(behind, behindMs);
      if (behind > 0) this.#history.read(epochMs(), this.#client, behind, behindMs);
    }
    return answer;
  }
}
