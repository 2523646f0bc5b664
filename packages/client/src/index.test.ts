import { readFileSync } from 'node:fs';
import { expect, expectTypeOf, it } from 'vitest';
import type {
  CallOptions,
  ClientEvents,
  CommitToken,
  EndpointKind,
  Health,
  Outcome,
  StatementResult,
  Transaction,
} from './index.ts';
import * as api from './index.ts';
import { CommitOutcomeUnknownError, SchoolDbError, createSchoolDb } from './index.ts';

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
  expectTypeOf(db.query<{ id: number }>)
    .returns.resolves.toHaveProperty('rows')
    .toEqualTypeOf<{ id: number }[]>();
  expectTypeOf(db.query).returns.resolves.toEqualTypeOf<StatementResult>();
  expectTypeOf(db.transaction<number>)
    .parameter(0)
    .toEqualTypeOf<(transaction: Transaction) => Promise<number>>();
  expectTypeOf(db.transaction<number>).returns.resolves.toEqualTypeOf<number>();
  expectTypeOf(db.read).parameter(2).toEqualTypeOf<CallOptions | undefined>();
  expectTypeOf(db.health).returns.toEqualTypeOf<Health>();
  expectTypeOf<SchoolDbError['outcome']>().toEqualTypeOf<Outcome>();
  expectTypeOf<CommitOutcomeUnknownError['token']>().toEqualTypeOf<CommitToken | undefined>();
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
