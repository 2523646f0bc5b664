import type { AppliedFault, ClusterStatus, FaultName } from '@schooldb/local-cluster';
import { describe, expect, it, vi } from 'vitest';
import type { ClusterBed } from '../bed/cluster-bed.ts';
import { epochMs } from '../measure/clock.ts';
import type { ScheduledFault } from '../options/fault-schedule.ts';
import { FaultRunner } from './fault-runner.ts';
import type { FaultPlan } from './fault-runner.ts';

/** A cluster in which nothing happens but what the test says. */
class QuietCluster {
  readonly did: string[] = [];
  whole = true;
  primary: string | null = 'pg1';

  async fault(name: FaultName): Promise<AppliedFault> {
    this.did.push(name);
    const undo = async () => void this.did.push(`undo ${name}`);
    return { id: name, name, target: 'pg1', appliedAt: 0, undo };
  }

  async undoAllFaults(): Promise<void> {}

  async status(): Promise<Pick<ClusterStatus, 'primary' | 'servers' | 'faults'>> {
    return { primary: this.whole ? this.primary : null, servers: [], faults: [] };
  }
}

function fault(name: FaultName, more: Partial<ScheduledFault> = {}): ScheduledFault {
  return { name, options: {}, atMs: 0, forMs: 10, ...more };
}

function makeRunner(plan: Partial<FaultPlan>) {
  const cluster = new QuietCluster();
  const bed = { cluster, synchronous: false } as unknown as ClusterBed;
  const whole = { faults: [], pace: 'one-at-a-time', promoteAfterMs: 0, durationMs: 60_000 } as const;
  const runner = new FaultRunner(bed, { ...whole, ...plan }, epochMs(), () => {});
  return { cluster, runner };
}

describe('FaultRunner', () => {
  it('begins none before the cluster is whole again, one at a time', async () => {
    const { cluster, runner } = makeRunner({ faults: [fault('refuse'), fault('latency')] });
    cluster.whole = false;
    await vi.waitFor(() => expect(cluster.did).toEqual(['refuse', 'undo refuse']), 10_000);
    // The second one's moment was long ago: only the cluster keeps it waiting.
    expect(runner.records.map(({ requestedAt }) => requestedAt !== null)).toEqual([true, false]);
    expect(runner.records[0]!.wholeAt).toBeNull();
    cluster.whole = true;
    await vi.waitFor(() => expect(cluster.did.slice(2)).toEqual(['latency', 'undo latency']), 10_000);
    await vi.waitFor(() => expect(runner.records[1]!.wholeAt).not.toBeNull(), 10_000);
    expect(runner.records[1]!.requestedAt).toBeGreaterThanOrEqual(runner.records[0]!.wholeAt!);
    await runner.end();
  });

  it('waits for none on time', async () => {
    const { cluster, runner } = makeRunner({ faults: [fault('refuse'), fault('latency')], pace: 'on-time' });
    cluster.whole = false;
    await vi.waitFor(() => expect(cluster.did).toContain('latency'), 10_000);
    await runner.end();
    expect(cluster.did.toSorted()).toEqual(['latency', 'refuse', 'undo latency', 'undo refuse']);
  });

  it('undoes a lost primary only after another server has taken over', async () => {
    const { cluster, runner } = makeRunner({ faults: [fault('freeze-primary', { forMs: null })] });
    await vi.waitFor(() => expect(cluster.did).toEqual(['freeze-primary']), 10_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(cluster.did).toEqual(['freeze-primary']);
    cluster.primary = 'pg2';
    await vi.waitFor(() => expect(cluster.did).toEqual(['freeze-primary', 'undo freeze-primary']), 10_000);
    await runner.end();
  });

  it('goes on in turn, over and over, and begins none that the load has no time left for', async () => {
    const faults = [fault('refuse'), fault('latency')];
    const { cluster, runner } = makeRunner({ faults, pace: 'in-turn' });
    await vi.waitFor(() => expect(cluster.did.filter((text) => text === 'refuse').length).toBe(2), 20_000);
    await runner.end();
    expect(cluster.did.slice(0, 5)).toEqual(['refuse', 'undo refuse', 'latency', 'undo latency', 'refuse']);
    const short = makeRunner({ faults, pace: 'in-turn', durationMs: 5_000 });
    await short.runner.end();
    expect(short.cluster.did).toEqual([]);
  });

  it('notes why a cluster did not heal, and goes no further', async () => {
    const { cluster, runner } = makeRunner({ faults: [fault('refuse'), fault('latency')] });
    cluster.undoAllFaults = () => Promise.reject(new Error('no answer'));
    await vi.waitFor(() => expect(runner.records[0]!.error).toBe('no answer'), 10_000);
    await runner.end();
    expect(runner.records[1]).toMatchObject({ requestedAt: null, error: null });
  });
});
