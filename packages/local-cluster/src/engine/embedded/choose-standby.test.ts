import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseStandby, type Answer } from './choose-standby.ts';

const at = (received: string | null, replayed: string | null = null): Answer => ({
  received,
  replayed,
  disconnected: true,
});

describe('chooseStandby', () => {
  it('promotes the most advanced standby', () => {
    const answers = new Map([
      ['pg2', at('0/3000060')],
      ['pg3', at('0/3000100')],
    ]);
    expect(chooseStandby(answers, true)).toEqual({ promote: 'pg3' });
    expect(chooseStandby(answers, false)).toEqual({ promote: 'pg3' });
  });

  it('waits for every standby that may be alone in holding an acknowledged commit', () => {
    const answers = new Map([
      ['pg2', at('0/3000060')],
      ['pg3', undefined],
    ]);
    expect(chooseStandby(answers, true)).toEqual({
      blocked: 'pg3 may hold acknowledged commits and does not answer',
    });
  });

  it('goes by those that answer where nobody was promised anything', () => {
    const answers = new Map([
      ['pg2', at('0/3000060')],
      ['pg3', undefined],
    ]);
    expect(chooseStandby(answers, false)).toEqual({ promote: 'pg2' });
  });

  it('takes no word from a standby that is still connected to the lost primary', () => {
    const answers = new Map([['pg2', { ...at('0/3000060'), disconnected: false }]]);
    expect(chooseStandby(answers, true)).toHaveProperty('blocked');
    expect(chooseStandby(answers, false)).toHaveProperty('blocked');
  });

  it('takes no word from a standby that has not read its own directory to the end', () => {
    expect(chooseStandby(new Map([['pg2', at(null, '0/3000060')]]), true)).toHaveProperty('blocked');
  });

  it('goes by what was replayed where receiving began again at the start of a segment', () => {
    const answers = new Map([
      ['pg2', at('0/3000000', '0/3000900')],
      ['pg3', at('0/3000500', '0/3000500')],
    ]);
    expect(chooseStandby(answers, true)).toEqual({ promote: 'pg2' });
  });

  it('says that nobody is left', () => {
    expect(chooseStandby(new Map(), true)).toEqual({
      blocked: 'no standby is left that must hold every acknowledged commit',
    });
    expect(chooseStandby(new Map(), false)).toEqual({ blocked: 'no standby is left' });
  });

  it('never promotes one that lacks what another one holds', () => {
    const answer = fc.record({
      received: fc.bigInt({ min: 0n, max: 2n ** 40n }),
      replayed: fc.bigInt({ min: 0n, max: 2n ** 40n }),
    });
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 7 }), (positions) => {
        const text = (lsn: bigint) => `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`;
        const held = new Map(
          positions.map(({ received, replayed }, index) => [
            `pg${index}`,
            received > replayed ? received : replayed,
          ]),
        );
        const answers = new Map(
          positions.map(({ received, replayed }, index) => [
            `pg${index}`,
            at(text(received), text(replayed)),
          ]),
        );
        const choice = chooseStandby(answers, true);
        expect(choice).toHaveProperty('promote');
        const chosen = 'promote' in choice ? held.get(choice.promote) : undefined;
        for (const position of held.values()) expect(chosen! >= position).toBe(true);
      }),
    );
  });
});
