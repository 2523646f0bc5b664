import { describe, expect, it } from 'vitest';
import type { Position } from './position.ts';
import { Watermark } from './watermark.ts';

function at(lsn: number, timeline = 1): Position {
  return { systemId: '1', timeline, lsn: BigInt(lsn) };
}

describe('a watermark', () => {
  it('only rises, in whatever order answers come', () => {
    const watermark = new Watermark();
    const early = watermark.asking();
    watermark.primaryAt(at(20), watermark.asking(), false);
    watermark.primaryAt(at(10), early, false);
    watermark.replicaAt(at(15));
    expect(watermark.position).toEqual(at(20));
  });

  it('is unknown after a loss, until the primary has told what was asked later', () => {
    const watermark = new Watermark();
    const before = watermark.asking();
    watermark.lose();
    watermark.primaryAt(at(10), before, true);
    expect(watermark.unknown).toBe(true);
    watermark.replicaAt(at(11));
    expect(watermark.unknown).toBe(true);
    watermark.primaryAt(at(12), watermark.asking(), false);
    expect(watermark.unknown).toBe(false);
  });

  it.each([
    ['an LSN beyond all that there is', at(999), at(10)],
    ['a timeline that does not exist', at(1, 9), at(10)],
    ['another cluster', { ...at(5), systemId: '2' }, at(10)],
  ])('gives up %s', (_what, given, told) => {
    const watermark = new Watermark(given);
    watermark.primaryAt(told, watermark.asking(), true);
    expect(watermark.position).toEqual(told);
  });

  it('does not give up what came while the primary was asked, nor for what is not the end of the WAL', () => {
    const watermark = new Watermark(at(5));
    const asked = watermark.asking();
    watermark.replicaAt(at(30));
    watermark.primaryAt(at(10), asked, true);
    expect(watermark.position).toEqual(at(30));
    watermark.primaryAt(at(20), watermark.asking(), false);
    expect(watermark.position).toEqual(at(30));
  });
});
