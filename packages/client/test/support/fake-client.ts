import { SchoolDb } from '../../src/api/create-school-db.ts';
import type { AnySchema } from '../../src/api/create-school-db.ts';
import type { SchoolDbOptions } from '../../src/api/options.ts';
import { resolveOptions } from '../../src/api/resolve-options.ts';
import {
  ASK_REPLAYED,
  ASK_REPLAYED_AND_LINEAGE,
  ASK_STANDBY,
  IDENTIFY,
  POSITION_FLUSHED,
  POSITION_INSERTED,
} from '../../src/wire/sql.ts';
import type { Answer } from './fake-server.ts';
import { FakeServer, SILENCE, result, sqlError } from './fake-server.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Servers behind the addresses, which are named as their endpoints are; a test may change who stands where. */
export function makeClient<Schema = AnySchema>(options: Partial<SchoolDbOptions> = {}) {
  const clock = new VirtualClock();
  const primary = new FakeServer();
  const standby = new FakeServer({ server: 'pg2', role: 'standby', timeline: null });
  const behind: Record<string, FakeServer> = {
    master: primary,
    replica: standby,
    masterPooler: primary,
    replicaPooler: standby,
  };
  const db = new SchoolDb<Schema>(
    resolveOptions({
      endpoints: { master: 'master', replica: 'replica' },
      database: 'school',
      user: 'app',
      deadlineMs: 60_000,
      ...options,
    }),
    {
      clock,
      random: () => 0.5,
      newId: () => '00000000-0000-4000-8000-000000000001',
      openWire: ({ host }) => behind[host]!.open(),
    },
  );
  for (const server of [primary, standby]) answer(server, () => result('SELECT'));
  return { db, clock, primary, standby, behind };
}

/** Answers the question who it is as the server does, everything else as the test wants it. */
export function answer(server: FakeServer, rest: Answer): void {
  server.answer = (text, wire) => {
    if (text === IDENTIFY) {
      const { role, systemId, timeline, server: name } = server.identity;
      const { hasCommitSlots } = server;
      const row = {
        standby: role === 'standby',
        system_id: systemId,
        timeline,
        server: name,
        server_time: server.time,
        backend_start: '',
        has_commit_slots: hasCommitSlots,
        has_lineage: server.hasLineage,
      };
      return result('SELECT', [row]);
    }
    const { lsn, streams } = server;
    const { timeline, role } = server.identity;
    if (text === POSITION_FLUSHED || text === POSITION_INSERTED)
      return result('SELECT', [{ lsn: String(lsn), timeline }]);
    if (text === ASK_REPLAYED) return result('SELECT', [{ lsn: String(lsn) }]);
    if (text === ASK_REPLAYED_AND_LINEAGE)
      return result('SELECT', [{ lsn: String(lsn), timeline: role === 'standby' ? streams : null }]);
    if (text.startsWith('SET ')) return result('SET');
    if (text === ASK_STANDBY) return result('SELECT', [{ standby: server.identity.role === 'standby' }]);
    if (text.includes('schooldb: not the primary')) {
      const oldest = Number(/>= (\d+)/.exec(text)?.[1]);
      if ((server.identity.timeline ?? 0) < oldest) throw sqlError('22P02');
      return result('SELECT');
    }
    return rest(text, wire);
  };
}

/** The connection breaks under the statement. */
export const loseConnection: Answer = (_text, wire) => {
  wire.destroy(sqlError('ECONNRESET'));
  return SILENCE;
};

/** Answers a transaction as a server does. */
export function transactional(
  changes: { onCommit?: Answer; settled?: boolean; onStatement?: Answer } = {},
): Answer {
  return (text, wire) => {
    if (text.startsWith('BEGIN')) return result('BEGIN');
    if (text === 'ROLLBACK') return result('ROLLBACK');
    if (text.startsWith('SELECT schooldb.settle')) return result('SELECT', [{ committed: changes.settled }]);
    if (text === 'COMMIT') return (changes.onCommit ?? (() => result('COMMIT')))(text, wire);
    return (changes.onStatement ?? (() => result('INSERT')))(text, wire);
  };
}

/** Answers by `first` once, then by `rest`. */
export function once(first: Answer, rest: Answer): Answer {
  let used = false;
  return (text, wire) => {
    if (used) return rest(text, wire);
    used = true;
    return first(text, wire);
  };
}
