import { describe, expect, it } from 'vitest';
import { CLEAR } from './flow.ts';
import { combine } from './network-fault.ts';

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
    expect(upstream).toEqual({ ...CLEAR, latencyMs: 100, jitterMs: 10 });
    expect(downstream).toEqual({ ...CLEAR, latencyMs: 150, jitterMs: 15 });
  });

  it('takes the narrowest line, the smallest pieces and the lowest limit', () => {
    const { upstream, downstream } = combine([
      { name: 'bandwidth', direction: 'both', bytesPerSecond: 1_000 },
      { name: 'bandwidth', direction: 'upstream', bytesPerSecond: 2_000 },
      { name: 'slicer', direction: 'downstream', sliceBytes: 16, pauseMs: 1 },
      { name: 'slicer', direction: 'both', sliceBytes: 32, pauseMs: 2 },
      { name: 'limit_data', direction: 'upstream', limitBytes: 0 },
      { name: 'limit_data', direction: 'both', limitBytes: 10 },
    ]);
    expect(upstream).toEqual({ ...CLEAR, bytesPerSecond: 1_000, sliceBytes: 32, pauseMs: 2, limitBytes: 0 });
    expect(downstream).toEqual({
      ...CLEAR,
      bytesPerSecond: 1_000,
      sliceBytes: 16,
      pauseMs: 3,
      limitBytes: 10,
    });
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
