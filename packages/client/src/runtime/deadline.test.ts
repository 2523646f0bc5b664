import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { Deadline } from './deadline.ts';

describe('Deadline', () => {
  it('is over when its time is up, and tells its listeners once', async () => {
    const clock = new VirtualClock();
    const deadline = new Deadline(clock, 100);
    let told = 0;
    deadline.onOver(() => (told += 1));
    await clock.advance(99);
    expect([deadline.over, told]).toEqual([false, 0]);
    await clock.advance(1);
    expect([deadline.over, told]).toEqual([true, 1]);
    expect(deadline.error('waiting', 'not-executed')).toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
      outcome: 'not-executed',
      message: 'no answer within 100 ms, while waiting',
    });
  });

  it('is over at once when the caller aborts, and before it began when the signal was aborted already', () => {
    const controller = new AbortController();
    const deadline = new Deadline(new VirtualClock(), 100, [controller.signal]);
    let told = 0;
    deadline.onOver(() => (told += 1));
    controller.abort(new Error('changed my mind'));
    expect([deadline.over, told]).toEqual([true, 1]);
    expect(deadline.error('waiting', 'unknown')).toMatchObject({
      code: 'SCHOOLDB_ABORTED',
      outcome: 'unknown',
      cause: { message: 'changed my mind' },
    });
    expect(new Deadline(new VirtualClock(), 100, [controller.signal]).over).toBe(true);
  });

  it('leaves no timer and tells nobody once it is done', async () => {
    const clock = new VirtualClock();
    const deadline = new Deadline(clock, 100);
    let told = 0;
    deadline.onOver(() => (told += 1));
    deadline.done();
    await clock.advance(200);
    expect([clock.pending, told, deadline.over]).toEqual([0, 0, false]);
  });
});
