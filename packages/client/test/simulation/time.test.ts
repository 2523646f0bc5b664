import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SimTime } from './time.ts';

describe('SimTime', () => {
  it('runs what falls due in its order, and lets the client react before time goes on', async () => {
    const time = new SimTime();
    const seen: string[] = [];
    time.after(2, () => seen.push('model 2'));
    time.clock.schedule(1, () => {
      void Promise.resolve()
        .then(() => new Promise<void>((resolve) => process.nextTick(resolve)))
        .then(() => seen.push(`client, reacting at ${time.now}`));
    });
    time.after(1, () => seen.push('model 1'));
    expect(await time.run(() => false, 10)).toBe(false);
    expect(seen).toEqual(['client, reacting at 1', 'model 1', 'model 2']);
    expect(time.now).toBe(10);
  });

  it('runs the global timers in their place, also where nothing else happens', () => {
    // In a process of its own: the timers of this one stay real.
    const time = fileURLToPath(new URL('./time.ts', import.meta.url));
    const script = `
      import { SimTime, installGlobalTimers } from ${JSON.stringify(time)};
      installGlobalTimers();
      const time = new SimTime();
      const seen = [];
      setTimeout(() => { seen.push('global ' + time.now); setTimeout(() => seen.push('nested ' + time.now), 500); }, 1_000);
      time.clock.schedule(1_200, () => seen.push('client ' + time.now));
      await time.run(() => seen.length === 3, 60_000);
      console.log(JSON.stringify(seen));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(['global 1000', 'client 1200', 'nested 1500']);
  });

  it('knows how many timers of the client wait', async () => {
    const time = new SimTime();
    const [first, second] = [1, 2].map((ms) => time.clock.schedule(ms, () => {}));
    time.after(5, () => {});
    expect(time.pendingClientTimers).toBe(2);
    first!.cancel();
    first!.cancel();
    expect(time.pendingClientTimers).toBe(1);
    await time.run(() => false, 3);
    second!.cancel();
    expect(time.pendingClientTimers).toBe(0);
  });
});
