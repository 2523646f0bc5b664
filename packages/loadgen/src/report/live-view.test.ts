import { describe, expect, it } from 'vitest';
import picocolors from 'picocolors';
import { LiveState } from './live-state.ts';
import { renderLine, renderView } from './live-view.ts';

const plain = picocolors.createColors(false);
const counts = (errors: number) => ({
  read: { ok: 10, 'ok-dedup': 0, unconfirmed: 0, fail: 0, unknown: 0 },
  write: { ok: 10, 'ok-dedup': 0, unconfirmed: 0, fail: 0, unknown: errors },
});

function running(): LiveState {
  const state = new LiveState({ text: 'schooldb · ledger · 300 clients', durationMs: 30_000 });
  state.stage('load');
  state.loadStarted(1_000);
  const second = (at: number, ok: number) => ({
    at,
    lengthMs: 1_000,
    ok,
    errors: 0,
    p50Ms: 0.9,
    p99Ms: 4.2,
    maxMs: 9,
  });
  state.progress(counts(0), [second(2_000, 600), second(3_000, 0), second(4_000, 300)]);
  state.servers([
    { name: 'pg1', role: 'silent', timeline: null, connections: 0 },
    { name: 'pg2', role: 'primary', timeline: 2, connections: 17 },
  ]);
  state.event({ at: 2_500, type: 'fault:applied', server: 'pg1', detail: 'kill-primary pg1' });
  state.event({ at: 2_600, type: 'server:cloning', server: 'pg1', detail: 'pg1 is being cloned' });
  return state;
}

describe('renderView', () => {
  it('shows rate, latency, errors, connections, servers and events on one screen', () => {
    expect(renderView(running(), 5_500, 100, plain).split('\n')).toEqual([
      'schooldb · ledger · 300 clients  4.5s / 30.0s  load',
      'servers     pg1 does not answer · pg2 primary (timeline 2)',
      'rate          300 ops/s  █▼▅',
      'latency     p50 0.90 ms  p99 4.20 ms',
      'errors      0',
      'connections pg1 0, pg2 17',
      'events         1.5s kill-primary pg1',
    ]);
  });

  it('marks errors and warnings', () => {
    const state = running();
    state.progress(counts(3), []);
    state.warning('the history is kept');
    const view = renderView(state, 5_500, 100, plain);
    expect(view).toContain('errors      3, of which 3 writes with unknown outcome');
    expect(view).toContain('warning     the history is kept');
  });

  it('fits a narrow terminal and an empty state', () => {
    const state = new LiveState({ text: 'x', durationMs: 1_000 });
    expect(renderView(state, 0, 10, plain)).toContain('p50 –');
  });
});

describe('renderLine', () => {
  it('says the same in one line', () => {
    expect(renderLine(running(), 5_500)).toBe(
      '4.5s / 30.0s    300 ops/s  p50 0.90 ms  p99 4.20 ms  errors 0  connections pg1 0, pg2 17  primary pg2, timeline 2',
    );
  });
});
