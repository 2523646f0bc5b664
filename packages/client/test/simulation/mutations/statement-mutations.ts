/** Of statements and transactions: what is repeated, and what becomes of a lost COMMIT. */
import { XID_TEXTS } from '../model/xid-texts.ts';
import type { Mutation } from './mutation.ts';

export const STATEMENT_MUTATIONS: readonly Mutation[] = [
  {
    name: 'repeats after an unknown outcome',
    edits: [
      {
        file: 'execution/statement-attempt.ts',
        find: "if (verdict.action === 'settle')",
        replace: 'if (false as boolean)',
      },
    ],
  },
  {
    name: 'takes a lost COMMIT for one that failed',
    edits: [
      {
        file: 'execution/commit.ts',
        find: "if (outcome === 'unknown' && error instanceof Error) return { state: 'unknown', error };",
        replace: '',
      },
    ],
  },
  {
    name: 'gives a repetition a deadline of its own',
    edits: [
      {
        file: 'execution/operation.ts',
        find: 'await leaseFor(deadline, plan, operation);',
        replace:
          'await leaseFor(attempt > 1 ? new Deadline(execution.clock, operation.deadlineMs) : deadline, plan, operation);',
      },
    ],
  },
  {
    name: 'waits for a statement past the deadline',
    edits: [
      {
        file: 'execution/operation.ts',
        find: "const stopWaiting = deadline.onOver(() => wire.destroy(new Error('the caller stopped waiting')));",
        replace: 'const stopWaiting = () => {};',
      },
    ],
  },
  {
    name: "takes settle's no for a yes",
    edits: [
      {
        file: 'execution/operation.ts',
        find: 'if (await settle(execution, commit, deadline, end.cause))',
        replace: 'await settle(execution, commit, deadline, end.cause);',
      },
    ],
  },
  {
    name: "takes settle's yes for a no",
    edits: [
      {
        file: 'execution/operation.ts',
        find: 'if (await settle(execution, commit, deadline, end.cause))',
        replace: 'await settle(execution, commit, deadline, end.cause); if (false as boolean)',
      },
    ],
  },
  {
    name: 'reports success before the barrier',
    edits: [
      {
        file: 'execution/commit-outcome.ts',
        find: "return unconfirmed || answer[3]?.command !== 'COMMIT' ? undefined : committed;",
        replace: 'return committed;',
      },
    ],
  },
  {
    name: 'takes an unconfirmed commit for a confirmed one',
    edits: [
      {
        file: 'execution/commit.ts',
        find: "if (!unconfirmed) return { state: 'committed' };",
        replace: "return { state: 'committed' };",
      },
    ],
  },
  {
    name: 'takes the tag ROLLBACK for a success',
    edits: [
      {
        file: 'execution/commit.ts',
        find: "if (result?.command !== 'COMMIT') return { state: 'failed', error: rolledBack() };",
        replace: '',
      },
    ],
  },
  {
    name: 'uses a seq twice',
    edits: [{ file: 'execution/commit-slots.ts', find: 'seq += 1;', replace: 'seq = Math.max(seq, 1);' }],
  },
  {
    name: 'calls a lost idempotent statement not executed',
    edits: [
      {
        file: 'execution/attempt.ts',
        find: "mayHaveHappened: outcome === 'unknown'",
        replace: 'mayHaveHappened: false',
      },
    ],
  },
  {
    name: 'repeats without regard to the budget',
    edits: [
      {
        file: 'execution/operation.ts',
        find: 'const waitMs = deadline.over ? 0 : budget.spend(failed + 1, clock.now());',
        replace: 'const waitMs = 0;',
      },
    ],
  },
  {
    name: 'leaves a refusal by a standby (25006) to the app',
    edits: [
      {
        file: 'execution/attempt.ts',
        find: 'if (onStandby && mayBeForBeingStandby(codeOf(error)))',
        replace: 'if (false as boolean)',
      },
    ],
  },
  {
    name: 'sends the mark not in the COMMIT packet',
    edits: [
      {
        file: 'execution/commit.ts',
        find: 'const committing = wire.script(text);',
        replace:
          "const committing = wire.script('COMMIT').then(async (all) => { if (mark !== undefined) await wire.script(text.split(';')[0]!); return all; });",
      },
    ],
  },
  {
    // The barrier behind a yes stays.
    name: 'settles without fence',
    edits: [
      {
        file: 'execution/commit-outcome.ts',
        find: 'wire.script(settleText(mark.slot, mark.seq)),',
        replace:
          "wire.script(settleText(mark.slot, mark.seq).replace('COMMIT', 'ROLLBACK')).then((all) => all[2]!.rows[0].committed ? wire.script(settleText(mark.slot, mark.seq)) : [...all.slice(0, 3), { command: 'COMMIT' }]),",
      },
    ],
  },
  {
    // Whatever calls itself a primary is believed.
    name: 'settles on a stale primary',
    edits: [
      {
        file: 'execution/commit-outcome.ts',
        find: 'const lease = await urgentLease(execution, deadline);',
        replace:
          'execution.endpoints.acceptTimeline(); const lease = await urgentLease(execution, deadline);',
      },
    ],
  },
  {
    // The barrier behind a yes stays here too: what is wrong is the yes.
    name: 'trusts pg_xact_status',
    edits: [
      {
        file: 'execution/commit.ts',
        find: "const text = mark === undefined ? 'COMMIT' : markAndCommitText(mark.slot, mark.seq);",
        replace: `const text = 'COMMIT';
          if (mark !== undefined) await wire.query({ text: '${XID_TEXTS.xid}' }).then(({ rows }) => Object.assign(mark, rows[0]), () => {});`,
      },
      {
        file: 'execution/commit-outcome.ts',
        find: 'wire.script(settleText(mark.slot, mark.seq)),',
        replace: `'xid' in mark
            ? wire.query({ text: '${XID_TEXTS.status}', values: [mark.xid] }).then(({ rows }) => {
                const { status } = rows[0];
                if (status === 'in progress') throw new Error('ask again');
                const barrier = status === 'committed' ? wire.script(settleText(mark.slot, mark.seq)) : Promise.resolve([0, 0, 0, { command: 'COMMIT' }]);
                return barrier.then((all) => [0, 0, { rows: [{ committed: status === 'committed' }] }, all[3]]);
              })
            : wire.script(settleText(mark.slot, mark.seq)),`,
      },
    ],
  },
];
