/** `db.settle(token)`, seen through the whole client above the wire. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, transactional } from '../../test/support/fake-client.ts';
import type { FakeServer } from '../../test/support/fake-server.ts';
import { sqlError } from '../../test/support/fake-server.ts';
import type { CommitOutcomeUnknownError } from '../index.ts';

type Client = ReturnType<typeof makeClient>;

/** Leaves a transaction with an unknown outcome: COMMIT is lost, and nobody is there until the deadline. */
async function loseCommit({ db, clock, primary }: Client): Promise<string> {
  answer(
    primary,
    transactional({
      onCommit: (text, wire) => {
        primary.refusal = sqlError('ECONNREFUSED');
        return loseConnection(text, wire);
      },
    }),
  );
  const running = db.transaction((tx) => tx.query('INSERT x'), { deadlineMs: 5_000 });
  const caught = running.then(
    () => expect.unreachable(),
    (error: CommitOutcomeUnknownError) => error,
  );
  await clock.advance(5_000);
  const { token } = await caught;
  primary.refusal = undefined;
  return token!;
}

function settleCalls(server: FakeServer): string[] {
  return server.texts.filter((text) => text.includes('schooldb.settle'));
}

describe('settle()', () => {
  it.each([
    [true, 'committed'],
    [false, 'not-committed'],
  ])('tells later, also in another process: %s', async (settled, outcome) => {
    const first = makeClient();
    const token = await loseCommit(first);
    const second = makeClient();
    answer(second.primary, transactional({ settled }));
    expect(await second.db.settle(token)).toBe(outcome);
    expect(settleCalls(second.primary)).toEqual([
      "SELECT schooldb.settle('00000000-0000-4000-8000-000000000001', 1) AS committed",
    ]);
    answer(first.primary, transactional({ settled }));
    const asked = first.db.settle(token);
    // The endpoint is tried again a little later.
    await first.clock.advance(5_000);
    expect(await asked).toBe(outcome);
  });

  it('ends with the same token again while nobody can tell', async () => {
    const token = await loseCommit(makeClient());
    const { db, clock, primary } = makeClient();
    primary.refusal = sqlError('ECONNREFUSED');
    const refused = expect(db.settle(token, { deadlineMs: 2_000 })).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
      message: expect.stringContaining('no primary could be asked'),
    });
    await clock.advance(2_000);
    await refused;
  });

  it.each<[string, (server: FakeServer) => void, string]>([
    ['another cluster', (server) => Object.assign(server.identity, { systemId: '2' }), 'another cluster'],
    ['a day later', (server) => (server.time += 86_400), 'for a day only'],
    ['where the schema is gone', (server) => (server.hasCommitSlots = false), "the schema 'schooldb' is not"],
  ])('does not ask %s', async (_what, change, message) => {
    const token = await loseCommit(makeClient());
    const { db, primary } = makeClient();
    answer(primary, transactional({ settled: false }));
    change(primary);
    const asked = db.settle(token);
    await expect(asked).rejects.toMatchObject({ code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN', token });
    await expect(asked).rejects.toThrow(message);
    expect(settleCalls(primary)).toEqual([]);
  });

  it('refuses what is no token, a token of another database, and work after close()', async () => {
    const token = await loseCommit(makeClient());
    const { db } = makeClient({ database: 'other' });
    await expect(db.settle('nonsense')).rejects.toMatchObject({ code: 'SCHOOLDB_INVALID_TOKEN' });
    await expect(db.settle(token)).rejects.toThrow("belongs to another database than 'other'");
    await db.close();
    await expect(db.settle(token)).rejects.toMatchObject({ code: 'SCHOOLDB_CLOSED' });
  });
});
