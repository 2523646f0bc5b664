import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Answer, Outcome } from '../drivers/driver.ts';

/** One line of the history file. Times are milliseconds since 1970. */
export type HistoryEntry =
  | { at: number; type: 'invoke'; f: 'write'; client: number; seq: number }
  | { at: number; type: Outcome; f: 'write'; client: number; seq: number; error?: string }
  /** `behind` counts the reader's own acknowledged writes that the read did not show. */
  | { at: number; type: 'ok'; f: 'read'; client: number; behind: number; behindMs: number };

/**
 * What was asked and what was answered, as lines of JSON on the client's side: the database does not judge itself.
 *
 * Each line is handed to the operating system before the call returns, so a write is on record before it is sent and a
 * crash of the generator loses nothing. A write without an outcome counts as unknown.
 */
export class HistoryWriter {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'wx');
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

  close(): void {
    closeSync(this.#file);
  }

  #append(entry: HistoryEntry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }
}

/** Reads a history back, also one whose last line a crash cut short. */
export async function* readHistory(path: string): AsyncGenerator<HistoryEntry> {
  let unreadable: string | null = null;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (unreadable !== null) throw new Error(`history ${path} holds a line that is not JSON: ${unreadable}`);
    const entry = parse(line);
    if (entry === null) unreadable = line.slice(0, 80);
    else yield entry;
  }
}

function parse(line: string): HistoryEntry | null {
  try {
    return JSON.parse(line) as HistoryEntry;
  } catch {
    return null;
  }
}
