import { describe, expect, it } from 'vitest';
import { faultsOfEngine } from '../options/engine.ts';
import { ROUNDS, soakRounds } from './soak-rounds.ts';

describe.each(['embedded', 'patroni'] as const)('rounds of %s', (engine) => {
  const names = ROUNDS[engine].map(({ name }) => name);

  it('hold faults that the engine has', () => {
    expect(names.filter((name) => !faultsOfEngine(engine).includes(name))).toEqual([]);
  });

  it('begin in the order of the list, and hold each fault once in every round', () => {
    const drawn = soakRounds(engine, 7).map(({ name }) => name);
    expect(drawn.slice(0, names.length)).toEqual(names);
    for (let from = 0; from < drawn.length; from += names.length)
      expect(drawn.slice(from, from + names.length).toSorted()).toEqual(names.toSorted());
  });

  it('are the same for the same seed, and others for another', () => {
    expect(soakRounds(engine, 7)).toEqual(soakRounds(engine, 7));
    expect(soakRounds(engine, 7)).not.toEqual(soakRounds(engine, 8));
  });
});
