import { describe, expect, it } from 'vitest';
import type { ServerIdentity } from './topology.ts';
import { Topology } from './topology.ts';

function server(changes: Partial<ServerIdentity>): ServerIdentity {
  return { server: 'pg1', systemId: '1', role: 'primary', timeline: 1, ...changes };
}

describe('Topology', () => {
  it('refuses a server whose role is not what the endpoint is for', () => {
    const topology = new Topology();
    expect(topology.judge('master', server({ role: 'standby', timeline: null }))).toMatchObject({
      fit: false,
    });
    expect(topology.judge('replica', server({ role: 'primary' }))).toMatchObject({ fit: false });
  });

  it('tells of a timeline once', () => {
    const topology = new Topology();
    expect(topology.judge('master', server({ timeline: 3 }))).toEqual({ fit: true, newTimeline: true });
    expect(topology.judge('master', server({ timeline: 3 }))).toEqual({ fit: true, newTimeline: false });
  });

  it('refuses a primary on a timeline older than one already seen', () => {
    const topology = new Topology();
    topology.judge('master', server({ timeline: 3 }));
    const judgement = topology.judge('master', server({ timeline: 2 }));
    expect(judgement).toMatchObject({
      fit: false,
      reason: expect.stringContaining('timeline 3 has been seen'),
    });
  });

  it('learns of a newer timeline from a primary that was met where a standby was looked for', () => {
    const topology = new Topology();
    topology.judge('master', server({ timeline: 1 }));
    const met = topology.judge('replica', server({ server: 'pg2', timeline: 2 }));
    expect(met).toMatchObject({ fit: false, newTimeline: true });
    expect(topology.judge('master', server({ timeline: 1 }))).toMatchObject({ fit: false });
  });

  it('keeps clusters apart by their system identifier', () => {
    const topology = new Topology();
    topology.judge('master', server({ timeline: 3 }));
    expect(topology.judge('master', server({ systemId: '2', timeline: 1 }))).toMatchObject({ fit: true });
  });
});
