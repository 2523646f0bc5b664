import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Cluster } from '../cluster.ts';
import type { EndpointKind } from '../endpoint.ts';
import { ClusterError } from '../errors.ts';
import type { ClusterOptions } from '../options.ts';
import { startCluster } from '../start-cluster.ts';
import { leftOpen, TestDatabases } from './test-databases.ts';

/** Starting three servers, and waiting for a failover to be over, on a busy machine. */
const HOOK_MS = 180_000;

export interface UseClusterOptions extends Omit<ClusterOptions, 'signal'> {
  /**
   * Run once, before the first test, in the database that each test gets a copy of: SQL, run as the ordinary
   * role, or a function that is given the connection string. It must close its connections.
   */
  migrate?: string | ((connectionString: string) => unknown);
}

/**
 * The running cluster, as a test sees it: everything that `Cluster` has but its end, which the fixture sees
 * to, and the database of this test.
 */
export interface TestCluster extends Pick<
  Cluster,
  | 'endpoints'
  | 'user'
  | 'password'
  | 'ca'
  | 'superuser'
  | 'servers'
  | 'logFileOf'
  | 'status'
  | 'fault'
  | 'undoFault'
  | 'undoAllFaults'
  | 'on'
  | 'history'
> {
  /** The database of this test alone. */
  readonly database: string;
  /** A URL for the ordinary role and the database of this test. @defaultValue 'master' */
  connectionString(kind?: EndpointKind): string;
}

/**
 * A cluster for a test file or a `describe`, to be called at its top. It is started before the first test
 * and stopped after the last. Each test gets a database of its own; after each test faults are undone, the
 * cluster is waited for until it is healthy, and a test that leaves connections open fails. Without poolers
 * unless `poolers` says otherwise. Tests that run at the same time need a file each.
 */
export function useCluster(options: UseClusterOptions = {}): TestCluster {
  const { migrate, ...clusterOptions } = options;
  let running: { cluster: Cluster; databases: TestDatabases } | undefined;
  let database: string | undefined;

  beforeAll(async () => {
    const cluster = await startCluster({ poolers: false, ...clusterOptions });
    running = { cluster, databases: new TestDatabases(cluster) };
    if (migrate !== undefined) await running.databases.migrate(migrate);
  }, HOOK_MS);
  beforeEach(async () => {
    if (database !== undefined) {
      throw new ClusterError(
        'bad-option',
        'useCluster: its tests run at the same time; each needs a file of its own',
      );
    }
    database = await started().databases.create();
  }, HOOK_MS);
  afterEach(async ({ task }) => {
    const { cluster, databases } = started();
    const used = databaseOfTest();
    database = undefined;
    await cluster.undoAllFaults();
    const open = await databases.drop(used);
    // One that failed has a better reason to tell.
    if (open.length > 0 && task.result?.state !== 'fail') throw new Error(leftOpen(open, used));
  }, HOOK_MS);
  afterAll(async () => {
    await running?.cluster.stop();
    running = undefined;
  }, HOOK_MS);

  function started(): { cluster: Cluster; databases: TestDatabases } {
    if (running !== undefined) return running;
    throw new ClusterError('no-cluster', 'useCluster: the cluster runs in tests and their hooks only');
  }
  function databaseOfTest(): string {
    if (database !== undefined) return database;
    throw new ClusterError('no-cluster', 'useCluster: there is a database in tests and in beforeEach only');
  }

  return {
    get endpoints() {
      return started().cluster.endpoints;
    },
    get user() {
      return started().cluster.user;
    },
    get password() {
      return started().cluster.password;
    },
    get ca() {
      return started().cluster.ca;
    },
    get superuser() {
      return started().cluster.superuser;
    },
    get servers() {
      return started().cluster.servers;
    },
    get database() {
      return databaseOfTest();
    },
    connectionString: (kind) => started().databases.connectionString(databaseOfTest(), kind),
    logFileOf: (server) => started().cluster.logFileOf(server),
    status: () => started().cluster.status(),
    fault: (name, given) => started().cluster.fault(name, given),
    undoFault: (id) => started().cluster.undoFault(id),
    undoAllFaults: () => started().cluster.undoAllFaults(),
    on: (listener) => started().cluster.on(listener),
    history: () => started().cluster.history(),
  };
}
