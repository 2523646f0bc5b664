import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClientEvents } from '../endpoint/client-events.ts';
import { Events } from '../runtime/events.ts';
import { BREAKER_DEFAULTS, Breaker } from './breaker.ts';

const BROKEN = new Error('reset');

function makeBreaker() {
  const seen: string[] = [];
  const events = new Events<ClientEvents>();
  events.on('breaker:opened', ({ reason }) => seen.push(`opened: ${reason}`));
  events.on('breaker:closed', () => seen.push('closed'));
  let probe: () => Promise<void> = () => Promise.resolve();
  const endpoint = {
    kind: 'replica' as const,
    suspend: () => seen.push('suspended'),
    resume: () => seen.push('resumed'),
    probe: () => {
      seen.push('probe');
      return probe();
    },
  };
  const clock = { now: () => Date.now(), schedule: () => ({ cancel: () => {} }) };
  const breaker = new Breaker(endpoint, { clock, random: () => 1, events });
  const attempts = async (broken: number, fine: number) => {
    for (let i = 0; i < fine; i += 1) breaker.record(undefined);
    for (let i = 0; i < broken; i += 1) breaker.record(BROKEN);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { breaker, seen, attempts, setProbe: (next: () => Promise<void>) => (probe = next) };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const { volumeThreshold, pause, calmMs, windowMs } = BREAKER_DEFAULTS;

describe('Breaker', () => {
  it('stays closed below its volume, and while most attempts go well', async () => {
    const { seen, attempts } = makeBreaker();
    await attempts(volumeThreshold - 2, 0);
    await vi.advanceTimersByTimeAsync(2 * windowMs);
    await attempts(volumeThreshold, 3 * volumeThreshold);
    expect(seen).toEqual([]);
  });

  it('opens when most connections break, and closes after a good probe', async () => {
    const { seen, attempts } = makeBreaker();
    await attempts(volumeThreshold, 0);
    expect(seen).toEqual(['opened: connections to replica keep breaking: reset', 'suspended']);
    await vi.advanceTimersByTimeAsync(pause.baseMs);
    expect(seen.slice(2)).toEqual(['probe', 'closed', 'resumed']);
  });

  it('probes at longer and longer intervals while the probe fails, and tells of that once', async () => {
    const { seen, attempts, setProbe } = makeBreaker();
    setProbe(() => Promise.reject(BROKEN));
    await attempts(volumeThreshold, 0);
    await vi.advanceTimersByTimeAsync(pause.baseMs + 2 * pause.baseMs + 4 * pause.baseMs);
    expect(seen.filter((each) => each === 'probe')).toHaveLength(3);
    expect(seen.filter((each) => each.startsWith('opened'))).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60_000);
    const before = seen.length;
    await vi.advanceTimersByTimeAsync(pause.capMs);
    expect(seen.length).toBeGreaterThan(before);
    setProbe(() => Promise.resolve());
    await vi.advanceTimersByTimeAsync(pause.capMs);
    expect(seen.slice(-2)).toEqual(['closed', 'resumed']);
  });

  it('pauses longer when it opens again soon after it closed, and briefly again after a calm time', async () => {
    const { seen, attempts } = makeBreaker();
    const probes = () => seen.filter((each) => each === 'probe').length;
    await attempts(volumeThreshold, 0);
    await vi.advanceTimersByTimeAsync(pause.baseMs);
    await attempts(volumeThreshold, 0);
    await vi.advanceTimersByTimeAsync(pause.baseMs);
    expect(probes()).toBe(1);
    await vi.advanceTimersByTimeAsync(pause.baseMs);
    expect(probes()).toBe(2);
    await vi.advanceTimersByTimeAsync(calmMs);
    await attempts(volumeThreshold, 0);
    await vi.advanceTimersByTimeAsync(pause.baseMs);
    expect(probes()).toBe(3);
  });

  it('counts nothing of what was lent before it opened', async () => {
    const { seen, attempts, setProbe } = makeBreaker();
    setProbe(() => new Promise(() => {}));
    await attempts(volumeThreshold, 0);
    await vi.advanceTimersByTimeAsync(pause.baseMs);
    await attempts(0, 1);
    expect(seen.at(-1)).toBe('probe');
  });

  it('leaves no timer when it is closed for good', async () => {
    const { breaker, attempts } = makeBreaker();
    await attempts(volumeThreshold, 0);
    breaker.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
