import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageSplitter, STARTUP, UNKNOWN, WHOLE_BYTES, type Piece } from './message-splitter.ts';

function message(type: string, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(5);
  header.write(type, 0, 'latin1');
  header.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([header, bytes]);
}

function startup(content: string): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(content.length + 8, 0);
  header.writeUInt32BE(196_608, 4);
  return Buffer.concat([header, Buffer.from(content)]);
}

/** Cut at the given places, wherever they are. */
function cutUp(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...ends].map((begin, index) => bytes.subarray(begin, ends[index] ?? bytes.length));
}

function splitAll(splitter: MessageSplitter, chunks: readonly Buffer[]): Piece[] {
  return chunks.flatMap((chunk) => splitter.split(chunk));
}

/** The messages that pieces make up. */
function assemble(pieces: readonly Piece[]): { type: number; bytes: string }[] {
  const messages: { type: number; parts: Buffer[] }[] = [];
  for (const { bytes, type, first, last } of pieces) {
    if (first) messages.push({ type, parts: [] });
    messages.at(-1)?.parts.push(bytes);
    if (bytes.length <= WHOLE_BYTES && first && !last) expect(type).not.toBe(UNKNOWN);
  }
  return messages.map(({ type, parts }) => ({ type, bytes: Buffer.concat(parts).toString('hex') }));
}

const types = fc.constantFrom(...Array.from('QPBDESHCcdXpRZTNA1'));
const contents = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: WHOLE_BYTES - 8, max: 70_000 }).map((size) => Buffer.alloc(size, 7)),
  },
);
const dialogs = fc.array(fc.tuple(types, contents), { maxLength: 20 });
const places = fc.array(fc.nat(200_000), { maxLength: 60 });

describe('MessageSplitter', () => {
  it('finds the same messages however they are cut up, and loses no byte', () => {
    fc.assert(
      fc.property(dialogs, places, fc.boolean(), (dialog, cuts, fromClient) => {
        const expected = dialog.map(([type, content]) => ({
          type: type.charCodeAt(0),
          bytes: message(type, content),
        }));
        if (fromClient) expected.unshift({ type: STARTUP, bytes: startup('user\0bauer\0\0') });
        const sent = Buffer.concat(expected.map(({ bytes }) => bytes));
        const splitter = new MessageSplitter({ startup: fromClient });
        const pieces = splitAll(splitter, cutUp(sent, cuts));
        expect(assemble(pieces)).toEqual(
          expected.map(({ type, bytes }) => ({ type, bytes: bytes.toString('hex') })),
        );
        expect(splitter.rest()).toHaveLength(0);
        expect(splitter.readable).toBe(true);
      }),
    );
  });

  it('loses no byte of what is not the protocol either', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), places, fc.boolean(), (noise, cuts, fromClient) => {
        const sent = Buffer.from(noise);
        const splitter = new MessageSplitter({ startup: fromClient });
        const pieces = splitAll(splitter, cutUp(sent, cuts));
        expect(Buffer.concat([...pieces.map(({ bytes }) => bytes), splitter.rest()]).equals(sent)).toBe(true);
      }),
    );
  });

  it('gives a message in one piece once it is whole', () => {
    const splitter = new MessageSplitter({ startup: false });
    const bytes = message('C', 'COMMIT\0');
    expect(splitter.split(bytes.subarray(0, 3))).toEqual([]);
    expect(splitter.split(bytes.subarray(3, 11))).toEqual([]);
    expect(splitter.split(bytes.subarray(11))).toEqual([
      { bytes, type: 'C'.charCodeAt(0), first: true, last: true },
    ]);
  });

  it('passes a large message on as it comes', () => {
    const splitter = new MessageSplitter({ startup: false });
    const header = message('d', Buffer.alloc(0));
    header.writeUInt32BE(1_000_000_000, 1);
    expect(splitter.split(header)).toMatchObject([{ first: true, last: false }]);
    for (let count = 0; count < 100; count += 1) {
      expect(splitter.split(Buffer.alloc(65_536))).toMatchObject([{ first: false, last: false }]);
    }
    expect(splitter.rest()).toHaveLength(0);
  });

  it.each([
    ['a length below its own four bytes', false, Buffer.from([81, 0, 0, 0, 3, 1, 2, 3])],
    ['a startup message longer than any', true, Buffer.from([0, 0, 255, 255, 0, 3, 0, 0])],
  ])('gives up at %s', (_what, fromClient, bytes) => {
    const splitter = new MessageSplitter({ startup: fromClient });
    expect(splitter.split(bytes)).toEqual([{ bytes, type: UNKNOWN, first: false, last: false }]);
    expect(splitter.readable).toBe(false);
    expect(splitter.split(message('Q', 'x'))).toMatchObject([{ type: UNKNOWN }]);
  });
});
