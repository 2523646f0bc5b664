import { expect, it } from 'vitest';
import type { FailurePhase, FailureVerdict, StatementSafety } from './classify.ts';
import { FAILURES } from './classify.ts';

const PHASES: readonly FailurePhase[] = ['not-sent', 'sent', 'in-transaction', 'committing', 'streaming'];

it('docs/failures.md shows the table', async () => {
  const rows = FAILURES.map(({ kind, meaning, sqlStates, errnos, verdicts }) => {
    const codes = [...sqlStates, ...errnos].map((code) => `\`${code}\``).join(' ');
    const cells = PHASES.map((phase) => cell(verdicts[phase]));
    return `| **${kind}**: ${meaning} | ${codes} | ${cells.join(' | ')} |`;
  });
  const page = `# What a failure means

What the client goes by: how far a statement had come, and with what error it ended. The table is made from
\`FAILURES\` in \`packages/client/src/policy/classify.ts\`; a test keeps the two in step.

- **not sent**: nothing of it was handed to a connection. **sent**: outside a transaction, not answered. **in
  transaction**: COMMIT was not sent. **committing**: COMMIT was sent. **streaming**: rows were handed to the caller.
- **retry**: again. **retry elsewhere**: again, on another server. **rerun**: the whole transaction again. **read
  password**: again, after the password was read once more. **settle**: the outcome is unknown; ask by the mark, or tell
  the caller. **pass**: to the caller, as it is (nothing was executed, unless the cell says unknown).
- An error whose code is in no row is the app's own; if the connection went away with it, it counts as lost. An
  abandoned statement counts as lost too. PgBouncer reports its own troubles as \`08P01\`: those are told apart by text.
- Once something was sent, a code of the socket counts as lost, and of the SQLSTATEs of classes 08 and 53 only those with
  which the server closed the connection count at all: on one that lives on, a foreign server said them to the statement.

| failure | codes | not sent | sent | in transaction | committing | streaming |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  await expect(page).toMatchFileSnapshot('../../../../docs/failures.md');
});

function cell(verdict: FailureVerdict | Readonly<Record<StatementSafety, FailureVerdict>>): string {
  if ('action' in verdict) return words(verdict);
  const { read, idempotent, effectful } = verdict;
  const others = words(read) === words(idempotent) ? words(read) : `${words(read)}, ${words(idempotent)}`;
  return `${others}; effectful: ${words(effectful)}`;
}

function words({ outcome, action }: FailureVerdict): string {
  const what = action.replace('-', ' ');
  return action === 'pass' && outcome === 'unknown' ? `${what} (unknown)` : what;
}
