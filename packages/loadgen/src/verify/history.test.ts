import { mkdtempSync, readFileSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HistoryFile, HistoryWriter, readHistory } from './history.ts';
import type { HistoryEntry } from './history.ts';

let file: HistoryFile;
beforeEach(() => {
  file = new HistoryFile();
});
afterEach(() => file.close());

async function entries(): Promise<HistoryEntry[]> {
  const read: HistoryEntry[] = [];
  for await (const entry of readHistory(file.descriptor)) read.push(entry);
  return read;
}

describe('history', () => {
  it('reads back what was written, in its order', async () => {
    const history = new HistoryWriter(file.descriptor);
    history.invoke(1, 7, 1);
    history.complete(2, 7, 1, { outcome: 'unknown', code: 'ECONNRESET', message: 'read ECONNRESET' });
    history.read(3, 7, 2, 15);
    expect(await entries()).toEqual([
      { at: 1, type: 'invoke', f: 'write', client: 7, seq: 1 },
      { at: 2, type: 'unknown', f: 'write', client: 7, seq: 1, error: 'ECONNRESET read ECONNRESET' },
      { at: 3, type: 'ok', f: 'read', client: 7, behind: 2, behindMs: 15 },
    ]);
  });

  it('is on record before the call returns', async () => {
    const history = new HistoryWriter(file.descriptor);
    history.invoke(1, 0, 1);
    expect(await entries()).toHaveLength(1);
  });

  it('forgives a last line that a crash cut short, and no other', async () => {
    const history = new HistoryWriter(file.descriptor);
    history.invoke(1, 0, 1);
    writeSync(file.descriptor, '{"at":2,"ty');
    expect(await entries()).toHaveLength(1);
    writeSync(file.descriptor, '\n{}\n');
    await expect(entries()).rejects.toThrow('not JSON: {"at":2,"ty');
  });

  it('has no name, and gets one when it is kept', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'schooldb-history-'));
    vi.stubEnv('TMPDIR', directory);
    const another = new HistoryFile();
    expect(readdirSync(directory)).toEqual([]);
    new HistoryWriter(another.descriptor).invoke(1, 0, 1);
    const path = await another.keep();
    another.close();
    expect(readFileSync(path, 'utf8')).toBe('{"at":1,"type":"invoke","f":"write","client":0,"seq":1}\n');
    vi.unstubAllEnvs();
    expect(path.startsWith(directory)).toBe(true);
    rmSync(directory, { recursive: true });
  });

  it('can be read while it is written', async () => {
    const history = new HistoryWriter(file.descriptor);
    for (const seq of [1, 2, 3]) {
      history.invoke(seq, 0, seq);
      expect(await entries()).toHaveLength(seq);
    }
  });
});
