import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HistoryWriter, readHistory } from './history.ts';
import type { HistoryEntry } from './history.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'schooldb-history-'));
  path = join(directory, 'history.ndjson');
});
afterEach(() => rmSync(directory, { recursive: true }));

async function entries(): Promise<HistoryEntry[]> {
  const read: HistoryEntry[] = [];
  for await (const entry of readHistory(path)) read.push(entry);
  return read;
}

describe('history', () => {
  it('reads back what was written, in its order', async () => {
    const history = new HistoryWriter(path);
    history.invoke(1, 7, 1);
    history.complete(2, 7, 1, { outcome: 'unknown', code: 'ECONNRESET', message: 'read ECONNRESET' });
    history.read(3, 7, 2, 15);
    history.close();
    expect(await entries()).toEqual([
      { at: 1, type: 'invoke', f: 'write', client: 7, seq: 1 },
      { at: 2, type: 'unknown', f: 'write', client: 7, seq: 1, error: 'ECONNRESET read ECONNRESET' },
      { at: 3, type: 'ok', f: 'read', client: 7, behind: 2, behindMs: 15 },
    ]);
  });

  it('is on record before the writer is closed', async () => {
    const history = new HistoryWriter(path);
    history.invoke(1, 0, 1);
    expect(await entries()).toHaveLength(1);
    history.close();
  });

  it('forgives a last line that a crash cut short, and no other', async () => {
    const history = new HistoryWriter(path);
    history.invoke(1, 0, 1);
    history.close();
    appendFileSync(path, '{"at":2,"ty');
    expect(await entries()).toHaveLength(1);
    appendFileSync(path, '\n{}\n');
    await expect(entries()).rejects.toThrow('not JSON: {"at":2,"ty');
  });

  it('never overwrites a history', () => {
    new HistoryWriter(path).close();
    expect(() => new HistoryWriter(path)).toThrow('EEXIST');
  });
});
