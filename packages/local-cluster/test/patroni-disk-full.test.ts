import { afterEach, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../src/index.ts';
import { mountsBelow } from '../src/process/mounts.ts';
import { canMount, exhaustWal } from './support/disk.ts';
import { eventually, queryOnce } from './support/clients.ts';
import { EventLog } from './support/events.ts';
import { directoryOf } from './support/leftovers.ts';
import { FAILOVER_MS, healthyUnderPatroni, patroniSkipped, patroniSuite } from './support/patroni.ts';

const INIT = 'CREATE TABLE t (id bigint, filler text); ALTER TABLE t OWNER TO bauer';

describe.skipIf(patroniSkipped || !canMount())(patroniSuite('disk-full under Patroni'), () => {
  let cluster: Cluster;

  afterEach(async () => {
    const directory = directoryOf(cluster);
    await cluster.stop();
    expect(await mountsBelow(directory)).toEqual([]);
  });

  it('on a primary that cannot go on lets another take over, and the old one follows once there is room', async () => {
    cluster = await startCluster({ engine: 'patroni', diskMb: 384, poolers: false, initSql: INIT });
    const events = new EventLog(cluster);
    const since = Date.now();
    const { primary } = await cluster.status();
    await queryOnce(cluster, 'INSERT INTO t VALUES (1)');
    const fault = await cluster.fault('disk-full');
    expect(fault.target).toBe(primary);
    void exhaustWal(cluster);
    const { server } = await events.next('primary:promoted', { since, timeoutMs: 3 * FAILOVER_MS });
    expect(server).not.toBe(primary);
    await eventually(() => queryOnce(cluster, 'INSERT INTO t VALUES (2)'));
    await fault.undo();
    await healthyUnderPatroni(cluster);
    expect(await queryOnce(cluster, 'SELECT id FROM t WHERE filler IS NULL ORDER BY id')).toEqual([
      { id: '1' },
      { id: '2' },
    ]);
  });
});
