import { describe, expect, it } from 'vitest';
import { combine } from './network-fault.ts';

const CLEAR = { held: false, latencyMs: 0, jitterMs: 0 };

describe('combine', () => {
  it('is fair weather without faults', () => {
    expect(combine([])).toEqual({ refuse: false, resetPeer: false, upstream: CLEAR, downstream: CLEAR });
  });

  it('lets a fault act on its direction alone', () => {
    const { upstream, downstream } = combine([{ name: 'blackhole', direction: 'upstream' }]);
    expect(upstream.held).toBe(true);
    expect(downstream.held).toBe(false);
  });

  it('adds delays up', () => {
    const { upstream, downstream } = combine([
      { name: 'latency', direction: 'both', latencyMs: 100, jitterMs: 10 },
      { name: 'latency', direction: 'downstream', latencyMs: 50, jitterMs: 5 },
    ]);
    expect(upstream).toEqual({ held: false, latencyMs: 100, jitterMs: 10 });
    expect(downstream).toEqual({ held: false, latencyMs: 150, jitterMs: 15 });
  });

  it('lets the worst of several happen', () => {
    const weather = combine([
      { name: 'refuse' },
      { name: 'reset_peer' },
      { name: 'blackhole', direction: 'both' },
    ]);
    expect(weather).toMatchObject({
      refuse: true,
      resetPeer: true,
      upstream: { held: true },
      downstream: { held: true },
    });
  });
});
