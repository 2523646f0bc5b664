import { describe, expect, it } from 'vitest';
import { Recorder } from './recorder.ts';

const OK = { outcome: 'ok', rows: [] } as const;
const REFUSED = { outcome: 'fail', code: '53300', message: 'sorry, too many clients already' } as const;

describe('Recorder', () => {
  it('separates service from response, and failures from both', () => {
    const recorder = new Recorder('write', 0);
    recorder.begin(1, { kind: 'write', dueAt: 100, sentAt: 110 });
    recorder.end(1, OK, 140);
    recorder.begin(1, { kind: 'write', dueAt: 200, sentAt: 200 });
    recorder.end(1, REFUSED, 1_200);
    const { service, response, failed } = recorder.measured(1_200).latency.write;
    expect(service.maxMs).toBeCloseTo(30, 0);
    expect(response.maxMs).toBeCloseTo(40, 0);
    expect(failed.maxMs! / 1_000).toBeCloseTo(1, 2);
    expect([service.n, response.n, failed.n]).toEqual([1, 1, 1]);
  });

  it('counts errors by kind, outcome, code and text apart from its numbers, with both ends', () => {
    const recorder = new Recorder('write', 0);
    for (const at of [5, 9]) {
      recorder.begin(1, { kind: 'read', dueAt: 0, sentAt: 0 });
      recorder.end(1, { ...REFUSED, message: `after ${at} ms` }, at);
    }
    expect(recorder.measured(10).errors).toEqual([
      { kind: 'read', outcome: 'fail', code: '53300', message: 'after 5 ms', n: 2, firstAt: 5, lastAt: 9 },
    ]);
  });

  it('counts what never answers as unknown, once', () => {
    const recorder = new Recorder('write', 0);
    recorder.begin(1, { kind: 'write', dueAt: 0, sentAt: 0 });
    recorder.giveUp(500);
    recorder.end(1, OK, 600);
    expect(recorder.counts().write).toMatchObject({ ok: 0, unknown: 1 });
    expect(recorder.measured(600).longestOperation).toEqual({ kind: 'write', ms: 500 });
  });

  it('sees gaps in the pulse and not in the other operations', () => {
    const recorder = new Recorder('write', 0);
    for (const [kind, at] of [
      ['write', 10],
      ['read', 500],
      ['write', 1_000],
    ] as const) {
      recorder.begin(1, { kind, dueAt: at, sentAt: at });
      recorder.end(1, OK, at);
    }
    expect(recorder.measured(1_000).gaps).toEqual([{ from: 10, to: 1_000 }]);
  });

  it('starts each interval anew', () => {
    const recorder = new Recorder('write', 0);
    recorder.begin(1, { kind: 'write', dueAt: 0, sentAt: 0 });
    recorder.end(1, OK, 10);
    expect(recorder.nextInterval(1_000)).toMatchObject({ at: 1_000, lengthMs: 1_000, ok: 1, errors: 0 });
    expect(recorder.nextInterval(2_000)).toMatchObject({ lengthMs: 1_000, ok: 0, p50Ms: null });
  });
});
