import { describe, expect, it } from 'vitest';
import type { ServerIdentity } from './topology.ts';
import { Topology } from './topology.ts';

function server(changes: Partial<ServerIdentity>): ServerIdentity {
  return { server: 'pg1', systemId: '1', role: 'primary', timeline: 1, ...changes };
}

const STANDBY = { role: 'standby', timeline: null } as const;

describe('Topology', () => {
  it.each(['master', 'masterPooler'] as const)('wants a primary behind a %s', (kind) => {
    const topology = new Topology();
    expect(topology.judge(kind, server(STANDBY), 0)).toMatchObject({ fit: false });
    expect(topology.judge(kind, server({}), 0)).toMatchObject({ fit: true });
  });

  it.each(['replica', 'replicaPooler'] as const)('wants a standby behind a %s', (kind) => {
    const topology = new Topology();
    expect(topology.judge(kind, server({}), 0)).toMatchObject({ fit: false });
    expect(topology.judge(kind, server(STANDBY), 0)).toMatchObject({ fit: true });
  });

  it('tells of a timeline once', () => {
    const topology = new Topology();
    expect(topology.judge('master', server({ timeline: 3 }), 0)).toEqual({ fit: true, news: 'timeline' });
    expect(topology.judge('master', server({ timeline: 3 }), 0)).toEqual({ fit: true, news: undefined });
    expect(topology.view).toEqual({ systemId: '1', timeline: 3, refused: undefined });
  });

  it('refuses a primary on a timeline older than one already seen, and says so until one is believed', () => {
    const topology = new Topology();
    topology.judge('master', server({ timeline: 3 }), 0);
    const judgement = topology.judge('master', server({ timeline: 2 }), 0);
    const reason = expect.stringContaining('timeline 3 has been seen') as string;
    expect(judgement).toMatchObject({ fit: false, reason });
    expect(topology.view.refused).toEqual(reason);
    topology.judge('master', server({ timeline: 3 }), 0);
    expect(topology.view.refused).toBeUndefined();
  });

  it('believes an older timeline when it is told to', () => {
    const topology = new Topology();
    topology.judge('master', server({ timeline: 3 }), 0);
    topology.acceptTimeline();
    expect(topology.judge('master', server({ timeline: 2 }), 0)).toMatchObject({ fit: true });
  });

  describe('another cluster behind the addresses', () => {
    it('is refused while connections to the known one are open, and replaces it after that', () => {
      const topology = new Topology();
      topology.judge('master', server({ timeline: 3 }), 0);
      const gone = topology.opened(server({ timeline: 3 }));
      const foreign = server({ systemId: '2', server: 'pg9' });
      expect(topology.judge('master', foreign, 0)).toMatchObject({ fit: false });
      gone();
      expect(topology.judge('master', foreign, 0)).toEqual({ fit: true, news: 'cluster' });
      expect(topology.view).toMatchObject({ systemId: '2', timeline: 1 });
    });

    it('is never believed on the word of a standby', () => {
      const topology = new Topology();
      topology.judge('master', server({}), 0);
      const foreign = server({ ...STANDBY, systemId: '2' });
      expect(topology.judge('replica', foreign, 0)).toMatchObject({ fit: false });
    });

    it('keeps its own highest timeline', () => {
      const topology = new Topology();
      topology.judge('master', server({ timeline: 3 }), 0);
      topology.judge('master', server({ systemId: '2', timeline: 1 }), 0);
      expect(topology.judge('master', server({ timeline: 2 }), 0)).toMatchObject({ fit: false });
    });
  });

  describe('two servers on one timeline', () => {
    const first = server({ server: 'pg1', timeline: 2 });
    const second = server({ server: 'pg2', timeline: 2 });

    it('names the rival while connections to it are open', () => {
      const topology = new Topology();
      topology.judge('master', first, 0);
      const gone = topology.opened(first);
      expect(topology.judge('master', second, 0)).toMatchObject({ fit: false, rival: 'pg1' });
      gone();
      expect(topology.judge('master', second, 0)).toEqual({ fit: true, news: undefined });
    });

    it('believes neither while both are met', () => {
      const topology = new Topology();
      topology.judge('master', first, 0);
      topology.contested(second, 'pg1', 1_000);
      for (const now of [2_000, 9_000, 17_000]) {
        expect(topology.judge('master', first, now)).toMatchObject({ fit: false });
        expect(topology.judge('master', second, now)).toMatchObject({ fit: false });
      }
    });

    it('believes the one that is left when the other was not met for a while', () => {
      const topology = new Topology();
      topology.judge('master', first, 0);
      topology.contested(second, 'pg1', 0);
      expect(topology.judge('master', second, 9_999)).toMatchObject({ fit: false });
      expect(topology.judge('master', second, 10_000)).toMatchObject({ fit: true });
      expect(topology.judge('master', first, 10_001)).toMatchObject({ fit: true });
    });

    it('believes a newer timeline at once', () => {
      const topology = new Topology();
      topology.judge('master', first, 0);
      topology.contested(second, 'pg1', 0);
      expect(topology.judge('master', server({ server: 'pg3', timeline: 3 }), 1)).toEqual({
        fit: true,
        news: 'timeline',
      });
    });
  });
});
