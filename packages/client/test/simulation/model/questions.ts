/** What a server answers to questions about itself and its sessions, which change no data. */
import type { QueryResult } from 'pg';
import { SqlError, rowsOf } from '../protocol.ts';
import type { Session, SessionHost } from './session.ts';
import type { Command } from './statements.ts';

export type Question = Command & {
  readonly kind:
    | 'identify'
    | 'askStandby'
    | 'askActive'
    | 'probe'
    | 'heartbeat'
    | 'xact-status'
    | 'position'
    | 'replayed'
    | 'guard'
    | 'endGhost';
};

export function answerTo(question: Question, server: SessionHost, session: Session): QueryResult | SqlError {
  switch (question.kind) {
    case 'identify':
      return rowsOf('SELECT', [{ ...server.identity(session) }]);
    case 'askStandby':
      return rowsOf('SELECT', [{ standby: server.role === 'standby' }]);
    case 'askActive':
      return rowsOf('SELECT', activeAmong(question.processIds, server));
    case 'probe':
      return rowsOf('SELECT', [{ '?column?': 1 }]);
    case 'heartbeat':
      return rowsOf('');
    case 'xact-status':
      return rowsOf('SELECT', [{ status: server.statusOf(question.xid) ?? null }]);
    case 'position':
      return position(question.of, server);
    case 'replayed':
      return replayed(question.lineage, server);
    case 'guard':
      return guard(question.systemId, question.timeline, server);
    case 'endGhost':
      break;
  }
  return endGhost(question.processId, question.backendStart, server);
}

function guard(systemId: string, timeline: number, server: SessionHost): QueryResult | SqlError {
  const isRight = server.role === 'primary' && server.systemId === systemId && server.timeline >= timeline;
  if (isRight) return rowsOf('SELECT', [{ concat: true }]);
  return new SqlError('22P02', 'invalid input syntax for type boolean: "schooldb: not the primary"');
}

/** `pg_current_wal_*_lsn()`. */
function position(of: 'flushed' | 'inserted', server: SessionHost): QueryResult | SqlError {
  const { role, timeline } = server;
  if (role === 'standby') return new SqlError('55000', 'recovery is in progress');
  return rowsOf('SELECT', [{ lsn: String(server[of]), timeline }]);
}

/** `pg_last_wal_replay_lsn()` and `schooldb.lineage()`. */
function replayed(lineage: boolean, server: SessionHost): QueryResult {
  const ofLineage = lineage ? { timeline: server.streamedTimeline } : {};
  return rowsOf('SELECT', [{ lsn: String(server.replayed), ...ofLineage }]);
}

function activeAmong(processIds: readonly number[], server: SessionHost): Record<string, unknown>[] {
  return processIds.filter((pid) => server.session(pid)?.isActive === true).map((pid) => ({ pid }));
}

function endGhost(processId: number, start: string, server: SessionHost): QueryResult {
  const ghost = server.session(processId);
  const ends = ghost !== undefined && ghost.start === start && ghost.idleInTransaction;
  if (!ends) return rowsOf('SELECT');
  server.observer.occurred('ghost-ended');
  ghost.terminate(new SqlError('57P01', 'terminating connection due to administrator command', 'FATAL'));
  return rowsOf('SELECT', [{ pg_terminate_backend: true }]);
}
