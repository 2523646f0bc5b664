/** What the primary says of itself. */
import { ExactlyOnceUnavailableError } from '@schooldb/client';
import { failed, notChecked, ok } from './check.ts';
import type { Result } from './check.ts';
import { reasonOf } from './database-clients.ts';
import type { SqlContext } from './sql-context.ts';

export async function checkServer({ lab, clients, patienceMs, signal, report }: SqlContext): Promise<void> {
  const wanted: Record<string, string> = {
    track_commit_timestamp: 'on',
    ...Object.fromEntries(
      (['max_connections', 'max_wal_senders', 'max_replication_slots'] as const).map((name) => [
        name,
        String(lab.cluster.parameters[name]),
      ]),
    ),
  };
  try {
    const rows = await clients.direct.withConnection(
      'master',
      async ({ query }) =>
        (
          await query<Setting>(
            'SELECT name, setting, pending_restart FROM pg_settings WHERE name = ANY ($1)',
            [['server_version', ...Object.keys(wanted)]],
            { signal },
          )
        ).rows,
      { deadlineMs: patienceMs, signal },
    );
    report({ check: 'version', result: judgeVersion(rows, lab.cluster.postgres) });
    report({ check: 'settings', result: judgeSettings(rows, wanted) });
  } catch (error) {
    signal.throwIfAborted();
    report({ check: 'version', result: failed({ is: 'sql', reason: reasonOf(error) }) });
    report({ check: 'settings', result: notChecked({ is: 'needs', check: 'version' }) });
  }
}

interface Setting {
  readonly name: string;
  readonly setting: string;
  readonly pending_restart: boolean;
}

function judgeVersion(rows: readonly Setting[], wanted: number): Result {
  const version = rows.find(({ name }) => name === 'server_version')?.setting ?? '';
  return Number.parseInt(version) === wanted
    ? ok({ is: 'version', version })
    : failed({ is: 'other-version', version, wanted });
}

function judgeSettings(rows: readonly Setting[], wanted: Readonly<Record<string, string>>): Result {
  for (const [setting, value] of Object.entries(wanted)) {
    const found = rows.find(({ name }) => name === setting);
    if (found?.setting !== value)
      return failed({
        is: 'setting-differs',
        setting,
        value: found?.setting ?? '-',
        wanted: value,
        isPending: found?.pending_restart === true,
      });
  }
  return ok({
    is: 'settings-hold',
    settings: Object.entries(wanted).map(([name, value]) => `${name} ${value}`),
  });
}

/** The client refuses to promise what the schema is needed for before it runs anything. */
export async function checkHelperSchema({ clients, patienceMs, signal }: SqlContext): Promise<Result> {
  const notWritten = new Error('rolled back on purpose');
  try {
    await clients.direct.transaction(
      async () => {
        throw notWritten;
      },
      { exactlyOnce: true, deadlineMs: patienceMs, signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error === notWritten) return ok({ is: 'helper-schema-there' });
    if (error instanceof ExactlyOnceUnavailableError)
      return failed({ is: 'helper-schema-missing', reason: error.message });
    return failed({ is: 'sql', reason: reasonOf(error) });
  }
  throw new TypeError('a transaction whose callback throws has resolved');
}
