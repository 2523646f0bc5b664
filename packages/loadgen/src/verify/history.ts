import { closeSync, mkdtempSync, openSync, read, rmSync, writeSync } from 'node:fs';
import { mkdtemp, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Answer, Outcome } from '../drivers/driver.ts';

/** One line of the history file. Times are milliseconds since 1970. */
export type HistoryEntry =
  | { at: number; type: 'invoke'; f: 'write'; client: number; seq: number }
  | { at: number; type: Outcome; f: 'write'; client: number; seq: number; error?: string }
  /** `behind` counts the reader's own acknowledged writes that the read did not show. */
  | { at: number; type: 'ok'; f: 'read'; client: number; behind: number; behindMs: number };

const CHUNK_BYTES = 65_536;
const readAt = promisify(read);

/**
 * Where a history is kept: a file without a name, so that nothing is left of it however the process ends. Threads share
 * its descriptor.
 */
export class HistoryFile {
  readonly descriptor: number;
  #closed = false;

  constructor() {
    const directory = mkdtempSync(join(tmpdir(), 'schooldb-loadgen-'));
    try {
      this.descriptor = openSync(join(directory, 'history.ndjson'), 'wx+');
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  /** Copies what was written to a file that stays; returns its path. */
  async keep(): Promise<string> {
    const path = join(await mkdtemp(join(tmpdir(), 'schooldb-loadgen-')), 'history.ndjson');
    const copy = await open(path, 'wx');
    await pipeline(readFrom(this.descriptor), copy.createWriteStream());
    return path;
  }

  /** May be called twice. */
  close(): void {
    if (!this.#closed) closeSync(this.descriptor);
    this.#closed = true;
  }
}

/**
 * What was asked and what was answered, as lines of JSON on the client's side: the database does not judge itself.
 *
 * Each line is handed to the operating system before the call returns, so a write is on record before it is sent and a
 * thread that is terminated loses nothing. A write without an outcome counts as unknown.
 */
export class HistoryWriter {
  readonly #file: number;

  /** @param file - A descriptor, which stays open: others read from it. */
  constructor(file: number) {
    this.#file = file;
  }

  invoke(at: number, client: number, seq: number): void {
    this.#append({ at, type: 'invoke', f: 'write', client, seq });
  }

  complete(at: number, client: number, seq: number, answer: Answer): void {
    const entry = { at, type: answer.outcome, f: 'write', client, seq } as const;
    this.#append('message' in answer ? { ...entry, error: `${answer.code} ${answer.message}` } : entry);
  }

  read(at: number, client: number, behind: number, behindMs: number): void {
    this.#append({ at, type: 'ok', f: 'read', client, behind, behindMs });
  }

  #append(entry: HistoryEntry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }
}

/** Reads a history back from its descriptor, also one whose last line was cut short. */
export async function* readHistory(file: number): AsyncGenerator<HistoryEntry> {
  const input = readFrom(file);
  let unreadable: string | null = null;
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      if (unreadable !== null) throw new Error(`the history holds a line that is not JSON: ${unreadable}`);
      const entry = parse(line);
      if (entry === null) unreadable = line.slice(0, 80);
      else yield entry;
    }
  } finally {
    // Whoever stops early may close the descriptor at once.
    input.destroy();
  }
}

/** From its beginning, without moving where it is written, and without ever closing it. */
function readFrom(file: number): Readable {
  return Readable.from(chunksOf(file), { objectMode: false });
}

async function* chunksOf(file: number): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await readAt(file, Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function parse(line: string): HistoryEntry | null {
  try {
    return JSON.parse(line) as HistoryEntry;
  } catch {
    return null;
  }
}
