import type { Compilable, CompiledQuery } from 'kysely';
import { describe, expect, it } from 'vitest';
import { makeClient } from '../../../test/support/fake-client.ts';
import type { CorpusSchema } from '../../../test/support/kysely-corpus.ts';
import { TO_MASTER, TO_REPLICA } from '../../../test/support/kysely-corpus.ts';
import { StatementParser } from '../../router/statement.ts';
import { sqlError } from '../../../test/support/fake-server.ts';
import { answer } from '../../../test/support/fake-client.ts';
import { safeFunctions } from '../../router/safe-functions.ts';
import { judgeTree } from './judge-tree.ts';

const OWN = ['school_year', 'app.week'];
const ALL = [
  ...TO_REPLICA.map(([what, build]) => ({ what, build, expected: 'replica' })),
  ...TO_MASTER.map(([what, build]) => ({ what, build, expected: 'master' })),
];

async function served(build: (db: never) => Compilable): Promise<string> {
  const { db, primary, standby } = makeClient<CorpusSchema>({ consistency: 'eventual', safeFunctions: OWN });
  const query = build(db.kysely as never).compile();
  await db.kysely.executeQuery(query);
  const texts = { master: primary.texts, replica: standby.texts };
  // Several statements in one text are told apart by the server.
  const [sent = ''] = query.sql.split(';');
  const servers = Object.entries(texts).filter(([, texts]) => texts.includes(sent));
  await db.close();
  return servers.map(([name]) => name).join(' and ');
}

describe('where a query of Kysely runs', () => {
  it('is held against more than 150 statements', () => {
    expect(ALL.length).toBeGreaterThanOrEqual(150);
    expect(new Set(ALL.map(({ what, expected }) => `${expected} ${what}`)).size).toBe(ALL.length);
  });

  it.each(ALL)('$expected: $what', async ({ build, expected }) => {
    expect(await served(build as never)).toBe(expected);
  });

  it('is nothing that the text alone, by the parser, would not allow', async () => {
    const { db } = makeClient<CorpusSchema>();
    const parser = new StatementParser({ safeFunctions: OWN });
    const isSafe = safeFunctions(OWN);
    let clear = 0;
    for (const { what, build } of ALL) {
      const { query, sql }: CompiledQuery = build(db.kysely).compile();
      const tree = judgeTree(query, isSafe);
      if (!tree.isClear) continue;
      clear += 1;
      const { readOnly, sessionState, transactionControl } = await parser.traits(sql);
      expect({ what, readOnly, sessionState, transactionControl }).toEqual({
        what,
        readOnly: !tree.hasEffect,
        sessionState: false,
        transactionControl: undefined,
      });
    }
    // Most need no parser at all.
    expect(clear).toBeGreaterThan(100);
    await db.close();
  });

  it('is the master from then on, once a standby has refused what looked like a read', async () => {
    const { db, primary, standby } = makeClient<CorpusSchema>({ consistency: 'eventual' });
    answer(standby, () => {
      throw sqlError('25006');
    });
    const query = db.kysely.selectFrom('pupil').selectAll();
    const { sql } = query.compile();
    const times = ({ texts }: typeof primary) => texts.filter((text) => text === sql).length;
    await query.execute();
    expect([times(standby), times(primary)]).toEqual([1, 1]);
    await query.execute();
    expect([times(standby), times(primary)]).toEqual([1, 2]);
    await db.close();
  });
});
