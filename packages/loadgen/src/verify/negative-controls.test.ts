import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Session, Statement } from '../drivers/driver.ts';
import { LedgerWorkload } from '../workloads/ledger.ts';
import { StalenessTally } from '../workloads/staleness.ts';
import { check } from './checker.ts';
import type { StoredWrite } from './checker.ts';
import { HistoryFile, HistoryWriter } from './history.ts';
import { readWrites } from './read-back.ts';
import { judge } from './verdict.ts';

/** Every tenth answer is lost on its way, after the row was stored. */
class TableBehindALossyLine {
  readonly #copies = new Map<string, StoredWrite>();
  #executed = 0;

  /** Throws when the answer is lost. */
  insert({ values: [client, seq] }: Statement): void {
    const key = `${String(client)}:${String(seq)}`;
    const row = this.#copies.get(key) ?? {
      client: client as number,
      seq: seq as number,
      copies: 0,
      timelines: [],
    };
    this.#copies.set(key, { ...row, copies: row.copies + 1 });
    if (++this.#executed % 10 === 0) throw new Error('Connection terminated unexpectedly');
  }

  /** A server that dies without a standby: what it held is gone. */
  lose(client: number, seq: number): void {
    this.#copies.delete(`${client}:${seq}`);
  }

  stored(): StoredWrite[] {
    return [...this.#copies.values()];
  }
}

const WRITES = 45;
const LOST_ANSWER = { code: 'CONNECTION_LOST', message: 'Connection terminated unexpectedly' };
const writeOnly = (write: (statement: Statement) => Promise<Answer>): Session => ({
  write,
  read: async () => ({ outcome: 'ok', rows: [{ seq: 0 }] }),
});

let file: HistoryFile;
beforeEach(() => void (file = new HistoryFile()));
afterEach(() => file.close());

async function verdictOn(
  session: (table: TableBehindALossyLine) => Session,
  afterwards?: (t: TableBehindALossyLine) => void,
) {
  const table = new TableBehindALossyLine();
  const history = new HistoryWriter(file.descriptor);
  const ledger = new LedgerWorkload('ledger', history, new StalenessTally());
  const script = ledger.script(0, session(table), () => 0.9);
  for (let i = 0; i < WRITES; i++) await script.next().answer;
  afterwards?.(table);
  const result = check(await readWrites(file.descriptor), table.stored());
  return {
    ...judge({ check: result, failoversExpected: 0, failoversSeen: 0, faultsNotApplied: 0, faultErrors: [] }),
    ...result,
  };
}

describe('the checker', () => {
  it('passes a driver that says what it does not know', async () => {
    const honest = (table: TableBehindALossyLine) =>
      writeOnly(async (statement) => {
        try {
          table.insert(statement);
          return { outcome: 'ok', rows: [] };
        } catch {
          return { outcome: 'unknown', ...LOST_ANSWER };
        }
      });
    const { verdict, counts } = await verdictOn(honest);
    expect(verdict).toBe('pass');
    expect(counts).toMatchObject({ stable: 41, 'unknown-recovered': 4 });
  });

  it('shows the duplicates of a driver that retries blindly', async () => {
    const blind = (table: TableBehindALossyLine) =>
      writeOnly(async (statement) => {
        for (;;)
          try {
            table.insert(statement);
            return { outcome: 'ok', rows: [] };
          } catch {
            continue;
          }
      });
    const { verdict, counts, reasons } = await verdictOn(blind);
    expect(verdict).toBe('violation');
    expect(counts.duplicate).toBe(4);
    expect(reasons).toEqual(['4 writes done twice']);
  });

  it('shows the ghosts of a driver that calls a lost socket a failure', async () => {
    const rash = (table: TableBehindALossyLine) =>
      writeOnly(async (statement) => {
        try {
          table.insert(statement);
          return { outcome: 'ok', rows: [] };
        } catch {
          return { outcome: 'fail', ...LOST_ANSWER };
        }
      });
    const { verdict, counts, offenders } = await verdictOn(rash);
    expect(verdict).toBe('violation');
    expect(counts.ghost).toBe(4);
    expect(offenders[0]).toMatchObject({
      client: 0,
      seq: 10,
      error: 'CONNECTION_LOST Connection terminated unexpectedly',
    });
  });

  it('counts exactly the acknowledged writes that are gone', async () => {
    const careless = (table: TableBehindALossyLine) =>
      writeOnly(async (statement) => {
        try {
          table.insert(statement);
        } catch {
          return { outcome: 'unknown', ...LOST_ANSWER };
        }
        return { outcome: 'ok', rows: [] };
      });
    const { verdict, counts, offenders } = await verdictOn(careless, (table) => {
      for (const seq of [43, 44, 45]) table.lose(0, seq);
    });
    expect(verdict).toBe('violation');
    expect(counts.lost).toBe(3);
    expect(offenders.map(({ seq }) => seq)).toEqual([43, 44, 45]);
  });

  it('is inconclusive about a driver that never succeeds', async () => {
    const dead = () => writeOnly(async () => ({ outcome: 'fail', code: 'ECONNREFUSED', message: 'connect' }));
    expect((await verdictOn(dead)).verdict).toBe('inconclusive');
  });
});
