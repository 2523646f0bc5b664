import { describe, expect, it } from 'vitest';
import { Laggards } from './laggards.ts';

describe('laggards', () => {
  it('are passed by for a while, longer from time to time, and no longer once they have caught up', () => {
    const laggards = new Laggards();
    laggards.fellBehind('pg2', 0);
    expect([laggards.isBehind('pg2', 49), laggards.isBehind('pg2', 50)]).toEqual([true, false]);
    expect(laggards.isBehind('pg3', 0)).toBe(false);
    laggards.fellBehind('pg2', 100);
    expect([laggards.isBehind('pg2', 199), laggards.isBehind('pg2', 200)]).toEqual([true, false]);
    laggards.caughtUp('pg2');
    laggards.fellBehind('pg2', 300);
    expect(laggards.isBehind('pg2', 350)).toBe(false);
  });

  it('are tried every two seconds at least', () => {
    const laggards = new Laggards();
    for (let time = 0; time < 20; time += 1) laggards.fellBehind('pg2', 0);
    expect([laggards.isBehind('pg2', 1_999), laggards.isBehind('pg2', 2_000)]).toEqual([true, false]);
  });
});
