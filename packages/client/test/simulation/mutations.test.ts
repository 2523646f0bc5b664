/** A simulation is worth what it notices: the client is broken on purpose, in one place at a time. */
import { describe, expect, it } from 'vitest';
import { mutatedSources } from './mutate.ts';
import { MUTATIONS } from './mutations.ts';
import { simulate } from './simulator.ts';

const SEED = 1;
const SCHEDULES = 6_000;
const LIMIT_MS = 300_000;

describe('the simulation', () => {
  it.each(MUTATIONS.map(({ name }) => name))(
    'notices a client that %s',
    async (mutation) => {
      const { failed } = await simulate({ schedules: SCHEDULES, seed: SEED, workers: 2, mutation });
      expect(failed).toBeDefined();
      // The same schedule is no trouble for the client as it is.
      const sound = await simulate({ schedules: 1, seed: failed!.seed, workers: 1 });
      expect(sound.failed).toBeUndefined();
    },
    LIMIT_MS,
  );

  it('says which mutation has lost its place', () => {
    const edit = { file: 'execution/operation.ts', find: 'no such text', replace: '' };
    expect(() => mutatedSources({ name: 'x', edits: [edit] })).toThrow(
      "'x' has no place: its text occurs 0 times",
    );
  });
});
