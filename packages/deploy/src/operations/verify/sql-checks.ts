/** What an app would see: the client, the four addresses, and one table. */
import { failed, notChecked, ok } from './check.ts';
import type { CheckId, CheckResult, Result } from './check.ts';
import { reasonOf } from './database-clients.ts';
import { isBusy, ScratchTakenError, withScratch } from './scratch.ts';
import { checkHelperSchema, checkServer } from './server-checks.ts';
import type { SqlContext } from './sql-context.ts';
import {
  connectReaders,
  readThroughPooler,
  refusedByStandby,
  refusedThroughPooler,
  warmUpPooler,
  written,
} from './way-checks.ts';

type Line = Omit<CheckResult, 'result'>;

/** Those that need a table to write to. */
const SCRATCH_CHECKS: readonly Line[] = [
  { check: 'write', endpoint: 'master' },
  { check: 'read', endpoint: 'replica' },
  { check: 'refusal', endpoint: 'replica' },
  { check: 'write', endpoint: 'masterPooler' },
  { check: 'read', endpoint: 'replicaPooler' },
  { check: 'refusal', endpoint: 'replicaPooler' },
  { check: 'tidy' },
];

export const SQL_CHECKS: readonly Line[] = [
  { check: 'version' },
  { check: 'settings' },
  { check: 'helper-schema' },
  ...SCRATCH_CHECKS,
];

/** @throws what the signal was aborted with. */
export async function checkSql(context: SqlContext): Promise<void> {
  await checkServer(context);
  context.report({ check: 'helper-schema', result: await checkHelperSchema(context) });
  await checkWithScratch(context);
}

async function checkWithScratch(context: SqlContext): Promise<void> {
  const { clients, patienceMs, signal } = context;
  const reported = new Set<string>();
  const report = (found: CheckResult): void => {
    reported.add(keyOf(found));
    context.report(found);
  };
  const skip = (lines: readonly Line[], needs: CheckId): void => {
    for (const line of lines)
      if (!reported.has(keyOf(line))) report({ ...line, result: notChecked({ is: 'needs', check: needs }) });
  };
  try {
    await withScratch(clients.direct, patienceMs, async (drop) => {
      try {
        await checkWays({ ...context, report });
      } finally {
        // After Ctrl-C as well.
        const dropped = await drop().then(
          () => ok({ is: 'tidied' }),
          (error: unknown) => failed({ is: 'not-tidied', reason: reasonOf(error) }),
        );
        skip(SCRATCH_CHECKS.slice(0, -1), 'write');
        report({ check: 'tidy', result: dropped });
      }
    });
  } catch (error) {
    signal.throwIfAborted();
    if (reported.size === 0) report({ check: 'write', endpoint: 'master', result: faultOf(error) });
  }
  skip(SCRATCH_CHECKS, 'write');
}

function keyOf({ check, endpoint }: Line): string {
  return `${check} ${endpoint ?? ''}`;
}

function faultOf(error: unknown): Result {
  if (isBusy(error)) return failed({ is: 'busy' });
  if (error instanceof ScratchTakenError) return failed({ is: 'scratch-taken' });
  return failed({ is: 'sql', reason: reasonOf(error) });
}

async function checkWays(context: SqlContext): Promise<void> {
  const { report, clients, lab } = context;
  const standbys = lab.cluster.instances - 1;
  if (standbys > 0) await checkServers(context, standbys);
  else
    report({ check: 'write', endpoint: 'master', result: await written(context, clients.direct, 'master') });
  await warmUpPooler(context);
  const throughPooler = await written(context, clients.pooled, 'masterPooler');
  const writtenAt = performance.now();
  report({ check: 'write', endpoint: 'masterPooler', result: throughPooler });
  if (standbys === 0) {
    for (const line of SCRATCH_CHECKS.filter(({ endpoint }) => endpoint?.startsWith('replica')))
      report({ ...line, result: notChecked({ is: 'no-standby' }) });
  } else if (throughPooler.state === 'ok') {
    report({ check: 'read', endpoint: 'replicaPooler', result: await readThroughPooler(context, writtenAt) });
    report({ check: 'refusal', endpoint: 'replicaPooler', result: await refusedThroughPooler(context) });
  }
}

async function checkServers(context: SqlContext, standbys: number): Promise<void> {
  const { report, clients } = context;
  const readers = await connectReaders(context, standbys);
  const writing = await written(context, clients.direct, 'master');
  report({ check: 'write', endpoint: 'master', result: writing });
  const reading = await readers.read(writing.state === 'ok' ? performance.now() : undefined);
  if (writing.state !== 'ok') return;
  report({ check: 'read', endpoint: 'replica', result: reading });
  report({ check: 'refusal', endpoint: 'replica', result: await refusedByStandby(context) });
}
