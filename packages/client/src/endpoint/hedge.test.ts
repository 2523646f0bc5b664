import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { hedged } from './hedge.ts';

interface FakeAttempt {
  readonly startedAt: number;
  abandoned: boolean;
  succeed(value: string): void;
  fail(reason: string): void;
}

function makeHedge(mayHedge: () => boolean = () => true) {
  const clock = new VirtualClock();
  const attempts: FakeAttempt[] = [];
  const result = hedged<string>(
    () => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const attempt: FakeAttempt = {
        startedAt: clock.now(),
        abandoned: false,
        succeed: resolve,
        fail: (reason) => reject(new Error(reason)),
      };
      attempts.push(attempt);
      return { result: promise, abandon: () => (attempt.abandoned = true) };
    },
    { staggerMs: 250, atMost: 3 },
    clock,
    mayHedge,
  );
  result.catch(() => {});
  return { clock, attempts, result };
}

describe('hedged', () => {
  it('starts no second attempt where the first succeeds soon', async () => {
    const { clock, attempts, result } = makeHedge();
    await clock.advance(249);
    attempts[0]!.succeed('first');
    expect(await result).toBe('first');
    await clock.advance(10_000);
    expect([attempts.length, clock.pending]).toEqual([1, 0]);
  });

  it('staggers further attempts while the first hangs, and stops at three', async () => {
    const { clock, attempts } = makeHedge();
    await clock.advance(10_000);
    expect(attempts.map(({ startedAt }) => startedAt)).toEqual([0, 250, 500]);
  });

  it('takes the first that succeeds and abandons the others', async () => {
    const { clock, attempts, result } = makeHedge();
    await clock.advance(600);
    attempts[1]!.succeed('second');
    expect(await result).toBe('second');
    expect(attempts.map(({ abandoned }) => abandoned)).toEqual([true, false, true]);
  });

  it('goes on while one is open, and fails with the last failure when none is', async () => {
    const { clock, attempts, result } = makeHedge();
    await clock.advance(300);
    attempts[0]!.fail('refused');
    await clock.advance(100);
    attempts[1]!.fail('hung');
    await expect(result).rejects.toThrow('hung');
    await clock.advance(1_000);
    expect([attempts.length, clock.pending]).toEqual([2, 0]);
  });

  it('leaves an attempt that fails at once to the backoff of its caller', async () => {
    const { clock, attempts, result } = makeHedge();
    attempts[0]!.fail('refused');
    await expect(result).rejects.toThrow('refused');
    await clock.advance(1_000);
    expect(attempts).toHaveLength(1);
  });

  it('waits with further attempts until there is room', async () => {
    let room = false;
    const { clock, attempts } = makeHedge(() => room);
    await clock.advance(600);
    expect(attempts).toHaveLength(1);
    room = true;
    await clock.advance(250);
    expect(attempts.map(({ startedAt }) => startedAt)).toEqual([0, 750]);
  });
});
