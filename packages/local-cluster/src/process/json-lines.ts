import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Calls back with each line's value; a line that is no JSON ends the connection's usefulness and is passed to `onBroken`. */
export function readJsonLines(
  stream: Readable,
  onValue: (value: unknown) => void,
  onBroken: (line: string) => void,
): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        onBroken(line);
        return;
      }
      onValue(value);
    }
  });
}

export function writeJsonLine(stream: Writable, value: unknown): void {
  if (stream.writable) stream.write(`${JSON.stringify(value)}\n`);
}
