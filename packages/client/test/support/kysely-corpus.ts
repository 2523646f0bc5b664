/** Queries as apps build them with Kysely, and where each belongs. */
import type { Compilable, Generated, Kysely } from 'kysely';
import { sql } from 'kysely';
import { jsonArrayFrom, jsonBuildObject, jsonObjectFrom, mergeAction } from 'kysely/helpers/postgres';

export interface CorpusSchema {
  pupil: {
    id: Generated<number>;
    name: string;
    form: string | null;
    born: Date | null;
    tags: string[];
    extra: { room: string; seats: { row: number }[] };
  };
  grade: { id: Generated<number>; pupil_id: number; subject: string; mark: number };
  'archive.pupil': { id: number; name: string };
}

type Db = Kysely<CorpusSchema>;

export type CorpusRow = readonly [what: string, build: (db: Db) => Compilable];

/** Run as they are where there is no builder for them. */
const raw = (text: string) => (db: Db) => ({ compile: () => sql.raw(text).compile(db) });

export const TO_REPLICA: readonly CorpusRow[] = [
  ['everything', (db) => db.selectFrom('pupil').selectAll()],
  ['columns', (db) => db.selectFrom('pupil').select(['id', 'name'])],
  ['alias', (db) => db.selectFrom('pupil as p').select('p.name as called')],
  ['all of a table', (db) => db.selectFrom('pupil as p').selectAll('p')],
  ['two tables', (db) => db.selectFrom(['pupil', 'grade']).select(['pupil.name', 'grade.mark'])],
  ['schema', (db) => db.withSchema('school').selectFrom('pupil').selectAll()],
  ['qualified table', (db) => db.selectFrom('archive.pupil').select('name')],
  ['distinct', (db) => db.selectFrom('pupil').distinct().select('form')],
  ['distinct on', (db) => db.selectFrom('pupil').distinctOn('form').select(['form', 'name'])],
  ['no table', (db) => db.selectNoFrom((eb) => eb.val(1).as('one'))],
  ['no table, literal', (db) => db.selectNoFrom((eb) => eb.lit(1).as('one'))],
  ['where', (db) => db.selectFrom('pupil').selectAll().where('name', '=', 'Ada')],
  ['where, in', (db) => db.selectFrom('pupil').selectAll().where('id', 'in', [1, 2, 3])],
  ['where, is null', (db) => db.selectFrom('pupil').selectAll().where('form', 'is', null)],
  ['where, like', (db) => db.selectFrom('pupil').selectAll().where('name', 'like', 'A%')],
  ['where, ilike', (db) => db.selectFrom('pupil').selectAll().where('name', 'ilike', 'a%')],
  ['where, regular expression', (db) => db.selectFrom('pupil').selectAll().where('name', '~', '^A')],
  ['where, is distinct', (db) => db.selectFrom('pupil').selectAll().where('form', 'is distinct from', '10A')],
  ['where, columns', (db) => db.selectFrom('pupil').selectAll().whereRef('name', '=', 'form')],
  [
    'where, or',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where((eb) => eb('id', '=', 1).or('id', '=', 2)),
  ],
  [
    'where, and',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where((eb) => eb.and({ id: 1, name: 'Ada' })),
  ],
  [
    'where, not',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where((eb) => eb.not(eb('id', '=', 1))),
  ],
  [
    'where, between',
    (db) =>
      db
        .selectFrom('grade')
        .selectAll()
        .where((eb) => eb.between('mark', 1, 3)),
  ],
  ['where, array', (db) => db.selectFrom('pupil').selectAll().where('tags', '@>', ['captain'])],
  [
    'where, any',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where((eb) => eb('name', '=', eb.fn.any('tags'))),
  ],
  [
    'where, values that look like SQL',
    (db) => db.selectFrom('pupil').selectAll().where('name', '=', "x'; DELETE FROM pupil --"),
  ],
  ['where, names that look like SQL', (db) => db.selectFrom('pupil as for update').select('for update.id')],
  [
    'where, subquery',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where('id', 'in', (eb) => eb.selectFrom('grade').select('pupil_id')),
  ],
  [
    'where, exists',
    (db) =>
      db
        .selectFrom('pupil as p')
        .selectAll()
        .where((eb) => eb.exists(eb.selectFrom('grade').select('id').whereRef('pupil_id', '=', 'p.id'))),
  ],
  [
    'where, not exists',
    (db) =>
      db
        .selectFrom('pupil as p')
        .selectAll()
        .where((eb) => eb.not(eb.exists(eb.selectFrom('grade').select('id')))),
  ],
  [
    'where, tuples',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where((eb) => eb(eb.refTuple('name', 'form'), 'in', [eb.tuple('Ada', '10A')])),
  ],
  [
    'parentheses',
    (db) => db.selectFrom('grade').select((eb) => eb(eb.parens('mark', '+', 1), '*', 2).as('n')),
  ],
  ['arithmetic', (db) => db.selectFrom('grade').select((eb) => eb('mark', '*', 2).as('double'))],
  ['negation', (db) => db.selectFrom('grade').select((eb) => eb.neg('mark').as('n'))],
  [
    'inner join',
    (db) => db.selectFrom('pupil').innerJoin('grade', 'grade.pupil_id', 'pupil.id').select(['name', 'mark']),
  ],
  [
    'left join',
    (db) => db.selectFrom('pupil').leftJoin('grade', 'grade.pupil_id', 'pupil.id').select(['name', 'mark']),
  ],
  [
    'right join',
    (db) => db.selectFrom('pupil').rightJoin('grade', 'grade.pupil_id', 'pupil.id').select(['name', 'mark']),
  ],
  [
    'full join',
    (db) => db.selectFrom('pupil').fullJoin('grade', 'grade.pupil_id', 'pupil.id').select(['name', 'mark']),
  ],
  ['cross join', (db) => db.selectFrom('pupil').crossJoin('grade').select(['name', 'mark'])],
  [
    'join on several',
    (db) =>
      db
        .selectFrom('pupil')
        .innerJoin('grade', (join) => join.onRef('grade.pupil_id', '=', 'pupil.id').on('mark', '<', 3))
        .select('name'),
  ],
  [
    'join on true',
    (db) =>
      db
        .selectFrom('pupil')
        .innerJoin('grade', (join) => join.onTrue())
        .select('name'),
  ],
  [
    'join a subquery',
    (db) =>
      db
        .selectFrom('pupil')
        .innerJoin((eb) => eb.selectFrom('grade').select('id').as('g'), 'g.id', 'pupil.id')
        .select('name'),
  ],
  [
    'lateral join',
    (db) =>
      db
        .selectFrom('pupil')
        .leftJoinLateral(
          (eb) => eb.selectFrom('grade').select('mark').whereRef('pupil_id', '=', 'pupil.id').as('g'),
          (join) => join.onTrue(),
        )
        .select('g.mark'),
  ],
  [
    'from a subquery',
    (db) => db.selectFrom((eb) => eb.selectFrom('pupil').select('name').as('p')).select('p.name'),
  ],
  [
    'subquery as a column',
    (db) => db.selectFrom('pupil').select((eb) => eb.selectFrom('grade').select('mark').limit(1).as('first')),
  ],
  [
    'group by',
    (db) =>
      db
        .selectFrom('pupil')
        .select((eb) => ['form', eb.fn.countAll().as('n')])
        .groupBy('form'),
  ],
  [
    'having',
    (db) =>
      db
        .selectFrom('pupil')
        .select('form')
        .groupBy('form')
        .having((eb) => eb.fn.count('id'), '>', 1),
  ],
  ['order by', (db) => db.selectFrom('pupil').selectAll().orderBy('name')],
  ['order by, descending', (db) => db.selectFrom('pupil').selectAll().orderBy('name', 'desc')],
  ['order by, ascending', (db) => db.selectFrom('pupil').selectAll().orderBy('name', 'asc')],
  [
    'order by, nulls last',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .orderBy('form', (ob) => ob.desc().nullsLast()),
  ],
  [
    'order by, collate',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .orderBy('name', (ob) => ob.collate('C').asc()),
  ],
  ['limit and offset', (db) => db.selectFrom('pupil').selectAll().limit(10).offset(20)],
  ['fetch', (db) => db.selectFrom('pupil').selectAll().orderBy('id').fetch(5, 'with ties')],
  [
    'union',
    (db) => db.selectFrom('pupil').select('name').union(db.selectFrom('archive.pupil').select('name')),
  ],
  [
    'union all',
    (db) => db.selectFrom('pupil').select('name').unionAll(db.selectFrom('archive.pupil').select('name')),
  ],
  [
    'intersect',
    (db) => db.selectFrom('pupil').select('name').intersect(db.selectFrom('archive.pupil').select('name')),
  ],
  [
    'except',
    (db) => db.selectFrom('pupil').select('name').except(db.selectFrom('archive.pupil').select('name')),
  ],
  [
    'with',
    (db) =>
      db
        .with('a', (qc) => qc.selectFrom('pupil').select('id'))
        .selectFrom('a')
        .selectAll(),
  ],
  [
    'with, columns named',
    (db) =>
      db
        .with('a(n)', (qc) => qc.selectFrom('pupil').select('id as n'))
        .selectFrom('a')
        .select('n'),
  ],
  [
    'with, materialized',
    (db) =>
      db
        .with(
          (cte) => cte('a').materialized(),
          (qc) => qc.selectFrom('pupil').select('id'),
        )
        .selectFrom('a')
        .selectAll(),
  ],
  [
    'with, twice',
    (db) =>
      db
        .with('a', (qc) => qc.selectFrom('pupil').select('id'))
        .with('b', (qc) => qc.selectFrom('a').select('id'))
        .selectFrom('b')
        .selectAll(),
  ],
  [
    'with recursive',
    (db) =>
      db
        .withRecursive('n(i)', (qc) =>
          qc
            .selectNoFrom((eb) => eb.lit(1).as('i'))
            .unionAll(
              qc
                .selectFrom('n')
                .select((eb) => eb('i', '+', 1).as('i'))
                .where('i', '<', 5),
            ),
        )
        .selectFrom('n')
        .selectAll(),
  ],
  ['count', (db) => db.selectFrom('pupil').select((eb) => eb.fn.count('id').as('n'))],
  ['count distinct', (db) => db.selectFrom('pupil').select((eb) => eb.fn.count('form').distinct().as('n'))],
  [
    'sum, avg, min, max',
    (db) =>
      db
        .selectFrom('grade')
        .select(({ fn }) => [
          fn.sum('mark').as('s'),
          fn.avg('mark').as('a'),
          fn.min('mark').as('l'),
          fn.max('mark').as('h'),
        ]),
  ],
  [
    'filter',
    (db) => db.selectFrom('grade').select((eb) => eb.fn.countAll().filterWhere('mark', '<', 4).as('passed')),
  ],
  [
    'window',
    (db) =>
      db.selectFrom('grade').select((eb) =>
        eb.fn
          .avg('mark')
          .over((ob) => ob.partitionBy('subject').orderBy('id', 'desc'))
          .as('a'),
      ),
  ],
  [
    'coalesce',
    (db) => db.selectFrom('pupil').select((eb) => eb.fn.coalesce('form', eb.val('none')).as('form')),
  ],
  [
    'array_agg',
    (db) =>
      db.selectFrom('pupil').select((eb) => eb.fn.agg('array_agg', ['name']).orderBy('name').as('names')),
  ],
  ['json_agg', (db) => db.selectFrom('pupil').select((eb) => eb.fn.jsonAgg('pupil').as('all'))],
  ['to_json', (db) => db.selectFrom('pupil').select((eb) => eb.fn.toJson('pupil').as('one'))],
  ['lower', (db) => db.selectFrom('pupil').select((eb) => eb.fn('lower', ['name']).as('n'))],
  ['a built-in in capitals', (db) => db.selectFrom('pupil').select((eb) => eb.fn('LOWER', ['name']).as('n'))],
  [
    'a built-in with its schema',
    (db) => db.selectFrom('pupil').select((eb) => eb.fn('pg_catalog.lower', ['name']).as('n')),
  ],
  ['now', (db) => db.selectNoFrom((eb) => eb.fn('now').as('t'))],
  ['random', (db) => db.selectNoFrom((eb) => eb.fn('random').as('r'))],
  [
    'a function in WHERE',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where((eb) => eb(eb.fn('length', ['name']), '>', 3)),
  ],
  [
    'a function in FROM',
    (db) =>
      db
        .selectFrom((eb) => eb.fn<{ i: number }>('generate_series', [eb.lit(1), eb.lit(3)]).as('g'))
        .selectAll(),
  ],
  ['a function that the app vouches for', (db) => db.selectNoFrom((eb) => eb.fn('school_year').as('y'))],
  ['the same with its schema', (db) => db.selectNoFrom((eb) => eb.fn('app.week').as('w'))],
  [
    'case',
    (db) =>
      db
        .selectFrom('grade')
        .select((eb) => eb.case().when('mark', '<', 3).then('good').else('other').end().as('c')),
  ],
  [
    'case of a value',
    (db) => db.selectFrom('grade').select((eb) => eb.case('mark').when(1).then('A').end().as('c')),
  ],
  ['cast', (db) => db.selectFrom('grade').select((eb) => eb.cast<string>('mark', 'text').as('t'))],
  [
    'cast to numeric(4, 2)',
    (db) => db.selectFrom('grade').select((eb) => eb.cast('mark', 'numeric(4, 2)').as('t')),
  ],
  [
    'json reference',
    (db) => db.selectFrom('pupil').select((eb) => eb.ref('extra', '->').key('room').as('room')),
  ],
  [
    'json reference as text',
    (db) => db.selectFrom('pupil').select((eb) => eb.ref('extra', '->>').key('room').as('room')),
  ],
  [
    'json reference, deep',
    (db) =>
      db.selectFrom('pupil').select((eb) => eb.ref('extra', '->').key('seats').at(0).key('row').as('row')),
  ],
  ['json path', (db) => db.selectFrom('pupil').select((eb) => eb.ref('extra', '->$').key('room').as('p'))],
  [
    'jsonArrayFrom',
    (db) =>
      db
        .selectFrom('pupil')
        .select((eb) =>
          jsonArrayFrom(eb.selectFrom('grade').select('mark').whereRef('pupil_id', '=', 'pupil.id')).as(
            'grades',
          ),
        ),
  ],
  [
    'jsonObjectFrom',
    (db) =>
      db
        .selectFrom('pupil')
        .select((eb) => jsonObjectFrom(eb.selectFrom('grade').select('mark').limit(1)).as('grade')),
  ],
  [
    'jsonBuildObject',
    (db) => db.selectFrom('pupil').select((eb) => jsonBuildObject({ name: eb.ref('name') }).as('o')),
  ],
  ['raw expression', (db) => db.selectFrom('pupil').select(sql<string>`upper(name)`.as('n'))],
  ['raw expression with a value', (db) => db.selectFrom('pupil').select(sql<string>`name || ${'!'}`.as('n'))],
  [
    'raw expression with a reference',
    (db) =>
      db.selectFrom('pupil').select(sql<string>`concat(${sql.ref('name')}, ${sql.ref('form')})`.as('n')),
  ],
  [
    'raw condition',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where(sql<boolean>`born < now()`),
  ],
  [
    'raw condition, values joined',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where(sql<boolean>`id in (${sql.join([1, 2])})`),
  ],
  [
    'raw order',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .orderBy(sql`length(name)`),
  ],
  [
    'raw direction',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .orderBy('name', sql`asc nulls first`),
  ],
  [
    'raw table',
    (db) => db.selectFrom(sql<{ n: number }>`(values (1), (2))`.as<'v'>(sql`v(n)`)).select('v.n'),
  ],
  ['raw cast', (db) => db.selectFrom('grade').select((eb) => eb.cast(eb.ref('mark'), sql`interval`).as('t'))],
  ['raw SELECT', raw('select * from pupil')],
  [
    'raw SELECT, built',
    (db) => ({ compile: () => sql`select * from ${sql.table('pupil')} where id = ${7}`.compile(db) }),
  ],
  ['raw WITH', raw('with a as (select 1) select * from a')],
  ['raw VALUES', raw('values (1), (2)')],
  ['raw TABLE', raw('table pupil')],
  ['raw SHOW', raw('show server_version')],
  ['raw SELECT behind a comment', raw('/* report */ select 1')],
  ['clear explain', (db) => explained(db.selectFrom('pupil').selectAll(), db)],
  ['the values of a list', (db) => db.selectFrom('pupil').select((eb) => eb.val([1, 2]).as('v'))],
  [
    'a value with a kind of its own',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where('extra', '=', { kind: 'InsertQueryNode' } as never),
  ],
  [
    'conditional parts',
    (db) =>
      db
        .selectFrom('pupil')
        .select('id')
        .$if(true, (qb) => qb.select('name')),
  ],
  ['dynamic column', (db) => db.selectFrom('pupil').select(db.dynamic.ref<'name'>('name'))],
  ['dynamic table', (db) => db.selectFrom(db.dynamic.table('pupil').as('t')).selectAll()],
];

export const TO_MASTER: readonly CorpusRow[] = [
  ['insert', (db) => db.insertInto('grade').values({ pupil_id: 1, subject: 'art', mark: 1 })],
  [
    'insert several',
    (db) =>
      db.insertInto('grade').values([
        { pupil_id: 1, subject: 'art', mark: 1 },
        { pupil_id: 2, subject: 'art', mark: 2 },
      ]),
  ],
  [
    'insert, returning',
    (db) => db.insertInto('grade').values({ pupil_id: 1, subject: 'art', mark: 1 }).returningAll(),
  ],
  ['insert, default values', (db) => db.insertInto('grade').defaultValues()],
  [
    'insert from a select',
    (db) =>
      db
        .insertInto('archive.pupil')
        .columns(['id', 'name'])
        .expression((eb) => eb.selectFrom('pupil').select(['id', 'name'])),
  ],
  [
    'insert, on conflict',
    (db) =>
      db
        .insertInto('grade')
        .values({ pupil_id: 1, subject: 'art', mark: 1 })
        .onConflict((oc) => oc.column('id').doUpdateSet({ mark: 2 })),
  ],
  [
    'insert, do nothing',
    (db) =>
      db
        .insertInto('grade')
        .values({ pupil_id: 1, subject: 'art', mark: 1 })
        .onConflict((oc) => oc.doNothing()),
  ],
  [
    'insert with a CTE',
    (db) =>
      db
        .with('a', (qc) => qc.selectFrom('pupil').select('id'))
        .insertInto('grade')
        .columns(['pupil_id'])
        .expression((eb) => eb.selectFrom('a').select('id')),
  ],
  [
    'insert, raw value',
    (db) => db.insertInto('grade').values({ pupil_id: sql`1 + 1`, subject: 'art', mark: 1 }),
  ],
  ['update', (db) => db.updateTable('pupil').set({ form: '10A' }).where('id', '=', 1)],
  [
    'update from',
    (db) =>
      db.updateTable('pupil').from('grade').set({ form: '10A' }).whereRef('grade.pupil_id', '=', 'pupil.id'),
  ],
  [
    'update, returning',
    (db) =>
      db
        .updateTable('pupil')
        .set((eb) => ({ name: eb.fn('upper', ['name']) }))
        .returning('name'),
  ],
  [
    'update with a CTE',
    (db) =>
      db
        .with('a', (qc) => qc.selectFrom('grade').select('pupil_id'))
        .updateTable('pupil')
        .set({ form: null })
        .where('id', 'in', (eb) => eb.selectFrom('a').select('pupil_id')),
  ],
  ['delete', (db) => db.deleteFrom('grade').where('id', '=', 1)],
  ['delete using', (db) => db.deleteFrom('grade').using('pupil').whereRef('grade.pupil_id', '=', 'pupil.id')],
  ['delete, returning', (db) => db.deleteFrom('grade').returningAll()],
  [
    'merge',
    (db) => db.mergeInto('pupil').using('grade', 'grade.pupil_id', 'pupil.id').whenMatched().thenDelete(),
  ],
  [
    'merge, insert and update',
    (db) =>
      db
        .mergeInto('pupil as p')
        .using('archive.pupil as a', 'a.id', 'p.id')
        .whenMatched()
        .thenUpdateSet({ form: null })
        .whenNotMatched()
        .thenInsertValues({ name: 'x', tags: [] as never, extra: '{}' as never }),
  ],
  [
    'merge, returning its action',
    (db) =>
      db
        .mergeInto('pupil')
        .using('grade', 'grade.pupil_id', 'pupil.id')
        .whenMatched()
        .thenDoNothing()
        .returning(mergeAction().as('a')),
  ],
  ['for update', (db) => db.selectFrom('pupil').selectAll().forUpdate()],
  ['for update of', (db) => db.selectFrom('pupil').selectAll().forUpdate('pupil')],
  ['for no key update', (db) => db.selectFrom('pupil').selectAll().forNoKeyUpdate()],
  ['for share', (db) => db.selectFrom('pupil').selectAll().forShare()],
  ['for key share', (db) => db.selectFrom('pupil').selectAll().forKeyShare()],
  ['for update, skip locked', (db) => db.selectFrom('pupil').selectAll().forUpdate().skipLocked()],
  ['for update, no wait', (db) => db.selectFrom('pupil').selectAll().forUpdate().noWait()],
  [
    'a lock in a subquery',
    (db) => db.selectFrom((eb) => eb.selectFrom('pupil').select('id').forUpdate().as('p')).selectAll(),
  ],
  [
    'a lock in WHERE',
    (db) =>
      db
        .selectFrom('grade')
        .selectAll()
        .where('pupil_id', 'in', (eb) => eb.selectFrom('pupil').select('id').forShare()),
  ],
  [
    'a lock in a CTE',
    (db) =>
      db
        .with('a', (qc) => qc.selectFrom('pupil').select('id').forUpdate())
        .selectFrom('a')
        .selectAll(),
  ],
  [
    'a raw lock',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .modifyEnd(sql`for update`),
  ],
  [
    'a CTE that inserts',
    (db) =>
      db
        .with('a', (qc) =>
          qc.insertInto('grade').values({ pupil_id: 1, subject: 'art', mark: 1 }).returning('id'),
        )
        .selectFrom('a')
        .selectAll(),
  ],
  [
    'a CTE that updates',
    (db) =>
      db
        .with('a', (qc) => qc.updateTable('pupil').set({ form: null }).returning('id'))
        .selectFrom('a')
        .selectAll(),
  ],
  [
    'a CTE that deletes',
    (db) =>
      db
        .with('a', (qc) => qc.deleteFrom('grade').returning('id'))
        .selectFrom('a')
        .selectAll(),
  ],
  [
    'a CTE that deletes, unused',
    (db) =>
      db
        .with('a', (qc) => qc.deleteFrom('grade'))
        .selectFrom('pupil')
        .selectAll(),
  ],
  [
    'a CTE that writes, deep',
    (db) =>
      db
        .selectFrom(
          db
            .with('d', (qc) => qc.deleteFrom('grade').returning('id'))
            .selectFrom('d')
            .select('id')
            .as('p'),
        )
        .selectAll(),
  ],
  [
    'a raw CTE that deletes',
    (db) =>
      db
        .with('a', () => sql<{ id: number }>`(delete from grade returning id)`)
        .selectFrom('a')
        .selectAll(),
  ],
  ['nextval', (db) => db.selectNoFrom((eb) => eb.fn('nextval', [eb.val('s')]).as('n'))],
  ['setval', (db) => db.selectNoFrom((eb) => eb.fn('setval', [eb.val('s'), eb.lit(1)]).as('n'))],
  ['currval', (db) => db.selectNoFrom((eb) => eb.fn('currval', [eb.val('s')]).as('n'))],
  ['pg_notify', (db) => db.selectNoFrom((eb) => eb.fn('pg_notify', [eb.val('c'), eb.val('x')]).as('n'))],
  ['pg_advisory_lock', (db) => db.selectNoFrom((eb) => eb.fn('pg_advisory_lock', [eb.lit(1)]).as('n'))],
  [
    'pg_try_advisory_xact_lock',
    (db) => db.selectNoFrom((eb) => eb.fn('pg_try_advisory_xact_lock', [eb.lit(1)]).as('n')),
  ],
  [
    'set_config',
    (db) => db.selectNoFrom((eb) => eb.fn('set_config', [eb.val('a.b'), eb.val('c'), eb.lit(true)]).as('n')),
  ],
  ['pg_backend_pid', (db) => db.selectNoFrom((eb) => eb.fn('pg_backend_pid').as('n'))],
  [
    'pg_sleep, unknown to the list',
    (db) => db.selectNoFrom((eb) => eb.fn('pg_terminate_backend', [eb.lit(1)]).as('n')),
  ],
  ['a function of the app', (db) => db.selectNoFrom((eb) => eb.fn('enrol', [eb.lit(1)]).as('n'))],
  [
    'a function with a schema that nobody vouches for',
    (db) => db.selectNoFrom((eb) => eb.fn('other.school_year').as('n')),
  ],
  [
    'a name of two words that only looks vouched for',
    (db) => db.selectNoFrom((eb) => eb.fn('"app.week"').as('n')),
  ],
  ['a quoted function', (db) => db.selectNoFrom((eb) => eb.fn('"enrol"').as('n'))],
  [
    'SQL in the name of a function',
    (db) => db.selectNoFrom((eb) => eb.fn('coalesce(nextval', [sql`'s'), 1`]).as('n')),
  ],
  [
    'a function in WHERE',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where((eb) => eb(eb.fn('enrol', ['id']), '=', true)),
  ],
  [
    'a function in ORDER BY',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .orderBy((eb) => eb.fn('enrol', ['id'])),
  ],
  [
    'a function in GROUP BY',
    (db) =>
      db
        .selectFrom('pupil')
        .select((eb) => eb.fn.countAll().as('n'))
        .groupBy((eb) => eb.fn('enrol', ['id'])),
  ],
  [
    'a function in HAVING',
    (db) =>
      db
        .selectFrom('pupil')
        .select('form')
        .groupBy('form')
        .having((eb) => eb(eb.fn('enrol', ['form']), '=', 1)),
  ],
  [
    'a function in a join',
    (db) =>
      db
        .selectFrom('pupil')
        .innerJoin('grade', (join) => join.on((eb) => eb(eb.fn('enrol', ['pupil.id']), '=', 1)))
        .select('name'),
  ],
  [
    'a function in a subquery',
    (db) =>
      db.selectFrom('pupil').select((eb) =>
        eb
          .selectFrom('grade')
          .select((sub) => sub.fn('enrol', ['mark']).as('m'))
          .limit(1)
          .as('x'),
      ),
  ],
  [
    'a function in FROM',
    (db) => db.selectFrom((eb) => eb.fn<{ i: number }>('enrol_all', []).as('g')).selectAll(),
  ],
  [
    'a function in a union',
    (db) =>
      db
        .selectFrom('pupil')
        .select('id')
        .union(db.selectNoFrom((eb) => eb.fn<number>('enrol', []).as('id'))),
  ],
  [
    'a function in CASE',
    (db) =>
      db.selectFrom('grade').select((eb) =>
        eb
          .case()
          .when('mark', '<', 3)
          .then(eb.fn('enrol', ['id']))
          .end()
          .as('c'),
      ),
  ],
  [
    'a function in LIMIT',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .limit((eb) => eb.fn<number>('enrol', [])),
  ],
  [
    'a function in a window',
    (db) =>
      db.selectFrom('grade').select((eb) =>
        eb.fn
          .countAll()
          .over((ob) => ob.partitionBy(eb.fn('enrol', ['id']) as never))
          .as('n'),
      ),
  ],
  [
    'an aggregate of the app',
    (db) => db.selectFrom('grade').select((eb) => eb.fn.agg('my_sum', ['mark']).as('s')),
  ],
  [
    'a function in a cast',
    (db) => db.selectFrom('grade').select((eb) => eb.cast(eb.fn('enrol', ['id']), 'text').as('t')),
  ],
  [
    'a function in a tuple',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where((eb) => eb(eb.refTuple('name', 'form'), 'in', [eb.tuple(eb.fn<string>('enrol', []), 'x')])),
  ],
  [
    'a function in DISTINCT ON',
    (db) =>
      db
        .selectFrom('pupil')
        .distinctOn((eb) => eb.fn('enrol', ['id']))
        .selectAll(),
  ],
  [
    'a function in FILTER',
    (db) =>
      db.selectFrom('grade').select((eb) =>
        eb.fn
          .countAll()
          .filterWhere((f) => f(f.fn('enrol', ['id']), '=', 1))
          .as('n'),
      ),
  ],
  ['a raw function', (db) => db.selectFrom('pupil').select(sql`enrol(id)`.as('x'))],
  ['a raw nextval', (db) => db.selectNoFrom(sql`nextval('s')`.as('n'))],
  [
    'a raw function in ORDER BY',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .orderBy(sql`enrol(id)`),
  ],
  ['a raw table that calls', (db) => db.selectFrom(sql<{ n: number }>`enrol_all()`.as('e')).selectAll()],
  [
    'a call put together from fragments',
    (db) => db.selectNoFrom((eb) => sql`${sql.ref('nextval')}${eb.parens(eb.val('s') as never)}`.as('n')),
  ],
  [
    'a call by a raw direction',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .orderBy('enrol' as never, sql`(1)`),
  ],
  [
    'an operator with a schema',
    (db) =>
      db
        .selectFrom('pupil')
        .selectAll()
        .where('name', sql`operator(app.=)`, 'x'),
  ],
  ['select into, raw', raw('select * into copy from pupil')],
  ['a temporary schema', (db) => db.withSchema('pg_temp').selectFrom('pupil').selectAll()],
  ['raw INSERT', raw("insert into grade values (1, 1, 'art', 1)")],
  ['raw UPDATE', raw('update pupil set form = null')],
  ['raw DELETE', raw('delete from grade')],
  ['raw MERGE', raw('merge into pupil p using grade g on g.pupil_id = p.id when matched then delete')],
  ['raw SELECT FOR UPDATE', raw('select * from pupil for update')],
  ['raw WITH that writes', raw('with a as (delete from grade returning id) select * from a')],
  ['raw CREATE', raw('create table t (n integer)')],
  ['raw TRUNCATE', raw('truncate grade')],
  ['raw CALL', raw('call promote()')],
  ['raw DO', raw('do $$ begin end $$')],
  ['raw LOCK', raw('lock table pupil')],
  ['raw SET', raw("set work_mem = '64MB'")],
  ['raw REFRESH', raw('refresh materialized view m')],
  ['raw NOTIFY', raw("notify c, 'x'")],
  ['raw VACUUM', raw('vacuum pupil')],
  ['raw, several statements', raw('select 1; select 2')],
  ['raw, several with one that writes', raw('select 1; delete from grade')],
  ['raw, not SQL', raw('selekt 1')],
  ['raw, empty', raw('')],
  [
    'explain of an insert',
    (db) => explained(db.insertInto('grade').values({ pupil_id: 1, subject: 'art', mark: 1 }), db),
  ],
  ['explain analyze', (db) => explained(db.selectFrom('pupil').selectAll(), db, sql`analyze`)],
  ['explain with options', (db) => explained(db.selectFrom('pupil').selectAll(), db, sql`analyze, buffers`)],
  ['raw explain analyze', raw('explain analyze select 1')],
  ['create table', (db) => db.schema.createTable('t').addColumn('id', 'serial', (col) => col.primaryKey())],
  ['create temporary table', (db) => db.schema.createTable('t').temporary().addColumn('id', 'integer')],
  ['create table as', (db) => db.schema.createTable('t').as(db.selectFrom('pupil').selectAll())],
  ['alter table', (db) => db.schema.alterTable('pupil').addColumn('x', 'text')],
  ['alter table, rename', (db) => db.schema.alterTable('pupil').renameTo('pupils')],
  ['alter table, constraint', (db) => db.schema.alterTable('pupil').addUniqueConstraint('u', ['name'])],
  ['drop table', (db) => db.schema.dropTable('t').ifExists()],
  ['create index', (db) => db.schema.createIndex('i').on('pupil').column('name')],
  ['drop index', (db) => db.schema.dropIndex('i')],
  ['create view', (db) => db.schema.createView('v').as(db.selectFrom('pupil').selectAll())],
  [
    'create materialized view',
    (db) => db.schema.createView('v').materialized().as(db.selectFrom('pupil').selectAll()),
  ],
  ['refresh materialized view', (db) => db.schema.refreshMaterializedView('v')],
  ['drop view', (db) => db.schema.dropView('v')],
  ['create schema', (db) => db.schema.createSchema('s')],
  ['drop schema', (db) => db.schema.dropSchema('s')],
  ['create type', (db) => db.schema.createType('mood').asEnum(['good', 'bad'])],
  ['drop type', (db) => db.schema.dropType('mood')],
];

/** What `.explain()` runs, without running it. */
function explained(
  query: Compilable & { toOperationNode(): object },
  db: Db,
  options?: ReturnType<typeof sql>,
): Compilable {
  const explain = { kind: 'ExplainNode', ...(options && { options: options.toOperationNode() }) };
  const node = { ...query.toOperationNode(), explain };
  const { queryId } = query.compile();
  return { compile: () => db.getExecutor().compileQuery(node as never, queryId) };
}
