import { readFileSync } from 'node:fs';
import { expect, expectTypeOf, it } from 'vitest';
import type {
  CallOptions,
  ClientEvents,
  EndpointKind,
  Health,
  Outcome,
  StatementResult,
  Transaction,
} from './index.ts';
import * as api from './index.ts';
import type { CommitOutcomeUnknownError, SchoolDb, SchoolDbError } from './index.ts';
import { createSchoolDb } from './index.ts';

/** What others build on: a change here is a change for them, and belongs in the changelog. */
it('offers this and nothing else', () => {
  const source = readFileSync(new URL('./index.ts', import.meta.url), 'utf8');
  const types = [...source.matchAll(/export type \{([^}]*)\}/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim()),
  );
  const methods = Object.getOwnPropertyNames(api.createSchoolDb(MINIMAL).constructor.prototype as object);
  expect({
    values: Object.keys(api).toSorted(),
    types: types.filter((name) => name !== '').toSorted(),
    schoolDb: methods.filter((name) => name !== 'constructor').toSorted(),
  }).toMatchSnapshot();
});

const MINIMAL = { endpoints: { master: 'db' }, database: 'school', user: 'app' };

it('is typed as it is documented', () => {
  const db = createSchoolDb(MINIMAL);
  expectTypeOf<ReturnType<typeof db.query<{ id: number }>>>()
    .resolves.toHaveProperty('rows')
    .toEqualTypeOf<{ id: number }[]>();
  expectTypeOf<ReturnType<SchoolDb['query']>>().resolves.toEqualTypeOf<StatementResult>();
  type NumberTransaction = typeof db.transaction<number>;
  expectTypeOf<NumberTransaction>()
    .parameter(0)
    .toEqualTypeOf<(transaction: Transaction) => Promise<number>>();
  expectTypeOf<NumberTransaction>().returns.resolves.toEqualTypeOf<number>();
  expectTypeOf<SchoolDb['read']>().parameter(2).toEqualTypeOf<CallOptions | undefined>();
  expectTypeOf<SchoolDb['health']>().returns.toEqualTypeOf<Health>();
  expectTypeOf<SchoolDbError['outcome']>().toEqualTypeOf<Outcome>();
  expectTypeOf<CommitOutcomeUnknownError['token']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<ClientEvents['endpoint:up']['endpoint']>().toEqualTypeOf<EndpointKind>();
  db.on('outcome:settled', (event) => expectTypeOf(event).toEqualTypeOf<{ committed: boolean }>());
  // @ts-expect-error -- there is no such event
  db.on('outcome:guessed', () => {});
  // @ts-expect-error -- an option that does not exist
  expect(() => createSchoolDb({ ...MINIMAL, maxConnection: 5 })).toThrow(/maxConnections/);
  // @ts-expect-error -- a read is repeated anyhow
  const bad = db.read('SELECT 1', [], { exactlyOnce: true });
  return expect(bad).rejects.toThrow(/exactlyOnce/);
});
