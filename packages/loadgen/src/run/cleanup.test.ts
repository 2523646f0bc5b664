import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Cleanup } from './cleanup.ts';

describe('Cleanup', () => {
  it('undoes in reverse order, once', async () => {
    const done: string[] = [];
    const cleanup = new Cleanup();
    for (const step of ['first', 'second']) cleanup.defer(() => done.push(step));
    expect(cleanup.started).toBe(false);
    await Promise.all([cleanup.run(), cleanup.run()]);
    expect(done).toEqual(['second', 'first']);
    expect(cleanup.started).toBe(true);
  });

  it('tries every step and tells the first failure', async () => {
    const done: string[] = [];
    const cleanup = new Cleanup();
    cleanup.defer(() => done.push('first'));
    cleanup.defer(() => Promise.reject(new Error('stuck')));
    await expect(cleanup.run()).rejects.toThrow('stuck');
    expect(done).toEqual(['first']);
  });

  it('undoes at once what comes too late', async () => {
    const done: string[] = [];
    const cleanup = new Cleanup();
    await cleanup.run();
    cleanup.defer(() => done.push('late'));
    await setImmediate();
    expect(done).toEqual(['late']);
  });
});
