export interface LogLine {
  /** In nanoseconds since 1970, by the clock of the pod's node. */
  readonly at: bigint;
  readonly text: string;
}

/** A line with the time in front, as the API gives it; each node may have a time zone of its own. */
export function logLine(line: string): LogLine {
  const [, seconds = '', fraction = '', zone = '', text = line] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?(.*)$/su.exec(line) ?? [];
  if (seconds === '') return { at: 0n, text };
  const ms = Date.parse(`${seconds}${zone}`);
  return { at: BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0')), text };
}

/** Lines of a text that comes in pieces; one that was cut off is none. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = `${rest}${piece}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
