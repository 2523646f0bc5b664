import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError } from '../errors.ts';
import { isRunning, serverProcessesIn } from '../process/process-table.ts';
import { killProcess } from '../process/process-tree.ts';
import { waitFor } from '../process/wait.ts';
import type { ServerState } from '../cluster.ts';
import type { Session, SessionOptions } from './sql.ts';

const ATTEMPTS = 5;
/** Of a server that answers at all; one in recovery refuses at once. */
const ANSWER_MS = 1_000;
const LOOK_MS = 20;
/** Far beyond what the kernel needs. */
const DEAD_WITHIN_MS = 10_000;

/** What is needed of a server for it. */
export interface CrashableServer {
  readonly name: string;
  readonly dataDirectory: string;
  readonly state: ServerState;
  session<T>(use: (session: Session) => Promise<T>, options?: SessionOptions): Promise<T>;
  /** It recovers in place, and takes no connections until it has. */
  markRecovering?(recovering: boolean): void;
}

/**
 * Kills one backend that serves a client, as a fault in an extension or the kernel's OOM killer would:
 * the postmaster ends all the others and recovers in place. One in a transaction is preferred; where no
 * client is connected it is a backend of our own.
 *
 * `onVictim` hears the process id right before. Resolves when the backend is dead; `recovered` when the
 * server takes connections again, or is gone for another reason.
 */
export async function crashBackend(
  server: CrashableServer,
  onVictim: (pid: number) => void,
): Promise<{ recovered: Promise<void> }> {
  const incarnation = await server.session(async (session) => {
    const before = await incarnationOf(session);
    await killClientBackend(server, session, onVictim);
    return before;
  });
  const recovered = untilRecovered(server, incarnation).finally(() => server.markRecovering?.(false));
  return { recovered };
}

async function killClientBackend(
  server: CrashableServer,
  session: Session,
  onVictim: (pid: number) => void,
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    // Our own comes last.
    const [row] = await session.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'
        ORDER BY pid = pg_backend_pid(), xact_start IS NULL, backend_start LIMIT 1`,
    );
    // A client may have left meanwhile, and its process id been given to anybody.
    const backend = serverProcessesIn(server.dataDirectory).find((entry) => entry.pid === row?.pid);
    if (backend === undefined) continue;
    onVictim(backend.pid);
    server.markRecovering?.(true);
    killProcess(backend);
    await waitFor(() => !isRunning(backend), { timeoutMs: DEAD_WITHIN_MS, everyMs: 1 });
    return;
  }
  throw new ClusterError(
    'fault-failed',
    `crash-backend: clients of ${server.name} leave faster than one of their backends can be killed; try again`,
  );
}

/** The checkpointer is started anew with each recovery, while the postmaster stays. */
async function incarnationOf(session: Session): Promise<string> {
  const [row] = await session.query<{ incarnation: string }>(
    "SELECT pid || ' ' || backend_start AS incarnation FROM pg_stat_activity WHERE backend_type = 'checkpointer'",
  );
  return row?.incarnation ?? '';
}

/** An answer alone proves nothing: the postmaster may not have heard of the death yet. */
async function untilRecovered(server: CrashableServer, before: string): Promise<void> {
  while (server.state !== 'stopped') {
    try {
      const now = await server.session(incarnationOf, { timeoutMs: ANSWER_MS });
      if (now !== '' && now !== before) return;
    } catch {
      // It recovers.
    }
    await sleep(LOOK_MS);
  }
}
