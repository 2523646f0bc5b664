import { describe, expect, it } from 'vitest';
import { parseDemoCommand } from './demo-command.ts';

describe('parseDemoCommand', () => {
  it('kills the primary in the middle of 30 seconds by default', () => {
    expect(parseDemoCommand([])).toEqual({
      demo: {
        fault: 'kill-primary',
        faultAtMs: 10_000,
        promoteAfterMs: 5_000,
        clients: 300,
        thinkMs: 500,
        durationMs: 30_000,
        maxConnections: 20,
      },
      engine: 'embedded',
      jsonPath: null,
    });
  });

  it('lasts long enough to see the recovery after a late promotion', () => {
    expect(parseDemoCommand(['--promote-after', '25s']).demo.durationMs).toBe(50_000);
  });

  it.each([
    [['--fault', 'meteorite'], "there is no fault 'meteorite'"],
    [['--duration', '10s'], 'the load has to last longer'],
  ])('refuses %j', (argv, message) => {
    expect(() => parseDemoCommand(argv)).toThrow(message);
  });
});
