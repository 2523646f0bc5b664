import type { ServerState } from '../cluster.ts';
import type { Session, SessionOptions } from './sql.ts';

/** Whom to ask. */
export interface AskedServer {
  readonly state: ServerState;
  session<T>(use: (session: Session) => Promise<T>, options?: SessionOptions): Promise<T>;
}

export interface ServerAnswer {
  primary: boolean;
  timeline: number | null;
  lsn: string | null;
  /** Primary only: the standbys it waits for. */
  synchronous: string[];
}

const ANSWER_MS = 1_000;

/** What a server says about itself; undefined when it does not answer in time. */
export async function askStatus(server: AskedServer): Promise<ServerAnswer | undefined> {
  if (server.state !== 'running') return undefined;
  try {
    return await server.session(
      async (session) => {
        const [row] = await session.query<ServerAnswer>(`
          SELECT NOT recovering AS primary,
                 CASE WHEN recovering
                   THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver), (SELECT timeline_id FROM pg_control_checkpoint()))
                   ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END AS timeline,
                 CASE WHEN recovering
                   THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                   ELSE pg_current_wal_flush_lsn() END::text AS lsn,
                 ARRAY(SELECT application_name FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS synchronous
            FROM pg_is_in_recovery() AS recovering`);
        return row;
      },
      { timeoutMs: ANSWER_MS },
    );
  } catch {
    return undefined;
  }
}
