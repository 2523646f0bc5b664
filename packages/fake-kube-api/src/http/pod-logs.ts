/** What a reader of a log asks for, as the API's query says it. */
export interface LogQuery {
  readonly tailLines: number | undefined;
  /** No lines from before, in milliseconds since 1970. */
  readonly sinceMs: number | undefined;
  /** The time in front of each line. */
  readonly timestamps: boolean;
}

interface Line {
  readonly atMs: number;
  readonly text: string;
}

export interface LogReader {
  readonly query: LogQuery;
  readonly write: (text: string) => void;
  readonly end: () => void;
}

/** What pods have written, by `NAMESPACE/POD`. */
export class PodLogs {
  readonly #lines = new Map<string, Line[]>();
  readonly #readers = new Map<string, Set<LogReader>>();

  /** Replaces what was written. */
  set(pod: string, text: string): void {
    this.#lines.delete(pod);
    this.append(pod, text);
  }

  /** @param text - whole lines; those who follow get them at once. */
  append(pod: string, text: string, atMs = Date.now()): void {
    const lines = text
      .split('\n')
      .filter((line, at, all) => line !== '' || at < all.length - 1)
      .map((line) => ({ atMs, text: line }));
    this.#lines.set(pod, [...(this.#lines.get(pod) ?? []), ...lines]);
    for (const { query, write } of this.#readers.get(pod) ?? []) write(shown(lines, query));
  }

  delete(pod: string): void {
    this.#lines.delete(pod);
  }

  read(pod: string, query: LogQuery): string {
    const { tailLines, sinceMs = 0 } = query;
    const lines = (this.#lines.get(pod) ?? []).filter(({ atMs }) => atMs >= sinceMs);
    return shown(tailLines === undefined ? lines : lines.slice(Math.max(0, lines.length - tailLines)), query);
  }

  /** Ends what is followed, as a restart of the API server does. */
  cut(): void {
    for (const { end } of [...this.#readers.values()].flatMap((each) => [...each])) end();
  }

  /** @returns what ends it. */
  follow(pod: string, reader: LogReader): () => void {
    const readers = this.#readers.get(pod) ?? new Set();
    this.#readers.set(pod, readers.add(reader));
    return () => void readers.delete(reader);
  }
}

function shown(lines: readonly Line[], { timestamps }: LogQuery): string {
  return lines.map((line) => `${timestamps ? `${timeOf(line)} ` : ''}${line.text}\n`).join('');
}

/** With all nine digits, as a kubelet writes it. */
function timeOf({ atMs }: Line): string {
  return new Date(atMs).toISOString().replace('Z', '000000Z');
}
