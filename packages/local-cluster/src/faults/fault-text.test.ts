import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClusterError } from '../errors.ts';
import { FAULT_NAMES } from './fault.ts';
import { faultText, parseFaultText } from './fault-text.ts';

describe('a fault as text', () => {
  it.each(FAULT_NAMES)('may be %s alone', (name) => {
    expect(parseFaultText(name)).toEqual({ name, options: {} });
  });

  it.each([
    ['latency(latencyMs=50ms, endpoint=replica)', { latencyMs: 50, endpoint: 'replica' }],
    ['latency( latencyMs = 50 ; jitterMs = 1.5s)', undefined],
    [
      'cut-at-message(message=3, direction=downstream, delivered=true)',
      { message: 3, direction: 'downstream', delivered: true },
    ],
    ['partition(pg1|pg2,pg3)', { groups: [['pg1'], ['pg2', 'pg3']] }],
    ['partition( primary , control | standbys )', { groups: [['primary', 'control'], ['standbys']] }],
    ['disk-full(server=pg2)', { server: 'pg2' }],
    ['kill-primary()', {}],
  ])('reads %s', (text, options) => {
    if (options === undefined) expect(() => parseFaultText(text)).toThrow(/jitterMs: 1500 was given/);
    else expect(parseFaultText(text).options).toEqual(options);
  });

  it.each<[string, RegExp]>([
    ['', /not a fault \(allowed: a name/],
    ['explode', /unknown fault "explode" \(allowed: kill-primary/],
    ['latency(50)', /fault latency: "50" is not option=value \(allowed: endpoint=…/],
    ['latency(latencyMs=long)', /option latencyMs: "long" was given/],
    ['latency(speed=3)', /option speed: is not an option of it/],
    ['refuse(endpoint=slave)', /"slave" was given/],
    ['partition(pg1)', /option groups: .*two or more groups/],
    ['partition(pg1|pg1)', /each once/],
    ['partition(pg1|pg0)', /option groups/],
    ['kill-primary(', /not a fault/],
    ['lag(server=primary)', /a standby's name like pg2/],
  ])('refuses %j', (text, message) => {
    expect(() => parseFaultText(text)).toThrow(ClusterError);
    expect(() => parseFaultText(text)).toThrow(message);
  });

  it('reads back what it writes', () => {
    const faults = fc.oneof(
      fc
        .record({ latencyMs: fc.integer({ min: 0, max: 600_000 }) })
        .map((options) => ({ name: 'latency' as const, options })),
      fc
        .record({ message: fc.integer({ min: 1, max: 99 }), delivered: fc.boolean() })
        .map((options) => ({ name: 'cut-at-message' as const, options })),
      fc.constant({
        name: 'partition' as const,
        options: {
          groups: [
            ['pg1', 'clients'],
            ['pg2', 'pg3'],
          ],
        },
      }),
    );
    fc.assert(
      fc.property(faults, (fault) => {
        expect(parseFaultText(faultText(fault))).toEqual(fault);
      }),
    );
  });
});
