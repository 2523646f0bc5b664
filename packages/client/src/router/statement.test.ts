import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CORPUS, PESSIMISTIC } from '../../test/support/statement-corpus.ts';
import { safeFunctions } from './safe-functions.ts';
import { loadSqlParser, MAX_PARSED_LENGTH } from './sql-parser.ts';
import { StatementParser } from './statement.ts';
import { traitsOf } from './statement-traits.ts';

const parser = new StatementParser();
const everything = CORPUS.flatMap(({ what, expected, texts }) =>
  texts.map((text) => ({ what, expected, text })),
);
/** Counterexamples are printed: none of several pages. */
const short = everything.filter(({ text }) => text.length < 400);
const reads = short.filter(({ expected }) => expected.readOnly).map(({ text }) => text);
const shortened = (text: string): string => (text.length > 90 ? `${text.slice(0, 90)}…` : text);

describe('the traits of a text', () => {
  it.each(everything.map((each) => [each.what, shortened(each.text), each] as const))(
    'are those of %s: %j',
    async (_what, _text, { text, expected }) => {
      const { reason, ...traits } = await parser.traits(text);
      expect(traits).toEqual(expected);
      expect(reason === undefined).toBe(expected.readOnly);
    },
  );

  it.each([
    ["SELECT nextval('s')", 'calls nextval(), which is not known to be safe'],
    ['SELECT app.f()', 'calls app.f(), which is not known to be safe'],
    ['SELECT * FROM t FOR UPDATE', 'holds a locking clause (FOR UPDATE or the like)'],
    ['SELECT 1 INTO x', 'creates a table (SELECT INTO)'],
    ['WITH a AS (DELETE FROM t) SELECT 1', 'holds a statement of the type Delete'],
    ['EXPLAIN ANALYZE SELECT 1', 'is EXPLAIN ANALYZE'],
    ['SELECT 1 OPERATOR(app.@@@) 2', 'uses the operator app.@@@, which is not known to be safe'],
    ['TABLE pg_temp.x', 'touches the state of the session'],
    ['SELECT 1; SELECT 2', 'holds 2 statements'],
    ["SELECT 1 WHERE 'secret", 'is refused by the parser at character 16'],
    [`SELECT '${'x'.repeat(MAX_PARSED_LENGTH)}'`, 'has more than 100000 characters'],
    ['SELECT 1\0', 'holds a NUL character'],
  ])('say why %.60s is not read only', async (text, reason) => {
    expect((await parser.traits(text)).reason).toBe(reason);
  });

  it('find transaction control and COPY in a text that is not parsed', async () => {
    const filler = ` -- ${'x'.repeat(MAX_PARSED_LENGTH)}`;
    expect(await parser.traits(`COMMIT${filler}`)).toMatchObject({
      transactionControl: 'COMMIT',
      readOnly: false,
    });
    expect(await parser.traits(`COPY t FROM STDIN${filler}`)).toMatchObject({ copyStream: true });
  });
});

describe('properties of the traits', () => {
  const blank = fc.constantFrom(
    ' ',
    '\n',
    '\t',
    '-- DELETE\n',
    '/* FOR UPDATE */',
    '/* \' /* $$ */ " */',
    '-- Ä 🎒\r\n',
  );
  const blanks = fc.array(blank, { maxLength: 4 }).map((each) => each.join(''));

  it('comments and blanks around a text never change its traits', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...short),
        blanks,
        blanks,
        async ({ text, expected }, before, after) => {
          const { reason, ...traits } = await parser.traits(`${before}${text}\n${after}`);
          expect(traits).toEqual(expected);
          expect(reason === undefined).toBe(expected.readOnly);
        },
      ),
      { numRuns: 600 },
    ));

  it('a read stays one inside another read, and ends to be one next to anything with an effect', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...reads.filter((text) => !/^(?:explain|show)/i.test(text))),
        async (text) => {
          const inner = `${text.replace(/;$/, '')}\n`;
          const readOnly = async (outer: string): Promise<boolean> => (await parser.traits(outer)).readOnly;
          expect(await readOnly(`SELECT EXISTS (${inner})`)).toBe(true);
          expect(await readOnly(`SELECT EXISTS (${inner}), app.f()`)).toBe(false);
          expect(await readOnly(`WITH w AS (${inner}), x AS (DELETE FROM t) SELECT 1`)).toBe(false);
          expect(await readOnly(`SELECT EXISTS (${inner}) FROM (SELECT * FROM t FOR UPDATE) u`)).toBe(false);
          expect(await readOnly(`INSERT INTO t ${inner}`)).toBe(false);
        },
      ),
      { numRuns: 100 },
    ));

  it('a node or a field of a kind that nobody has judged ends it, wherever it stands', async () => {
    const parse = await loadSqlParser();
    const isSafe = safeFunctions([]);
    for (const text of reads) {
      const tree = JSON.stringify(parse(text));
      for (const { 0: key, index } of tree.matchAll(/"(?:[A-Z]\w*":\{|[a-z_]\w*":\{(?!"[A-Z]))/g)) {
        const name = /[A-Z]/.test(key[1] ?? '') ? 'Unjudged' : 'unjudged';
        const changed = `${tree.slice(0, index)}"${name}":{${tree.slice(index + key.length)}`;
        const { readOnly, reason } = traitsOf(JSON.parse(changed), isSafe);
        expect({ text, key, readOnly }).toEqual({ text, key, readOnly: false });
        expect(reason).toBeTypeOf('string');
      }
    }
  });
});

describe('the parser and its cache', () => {
  it('count a function as safe that the app vouches for, under the name by which it is called', async () => {
    const own = new StatementParser({ safeFunctions: ['app.f', 'g'] });
    const readOnly = async (text: string): Promise<boolean> => (await own.traits(text)).readOnly;
    expect(await readOnly('SELECT app.F(), G() FROM t')).toBe(true);
    expect(await readOnly('SELECT f()')).toBe(false);
    expect(await readOnly('SELECT "app.f"()')).toBe(false);
    expect(await readOnly('SELECT app.g()')).toBe(false);
    expect(await readOnly('SELECT app.f(h())')).toBe(false);
  });

  it('know a text after it was asked for, and forget the one that was not asked for in the longest time', async () => {
    const small = new StatementParser({ cacheSize: 2 });
    expect(small.known('SELECT 1')).toBeUndefined();
    const traits = await small.traits('SELECT 1');
    await small.traits('SELECT 2');
    expect(small.known('SELECT 1')).toBe(traits);
    await small.traits('SELECT 3');
    expect(small.known('SELECT 2')).toBeUndefined();
    expect(small.known('SELECT 1')).toBe(traits);
  });

  it('keep the newest text even where all others were asked for, and nothing with a cache of size 0', async () => {
    const small = new StatementParser({ cacheSize: 1 });
    for (const text of ['SELECT 1', 'SELECT 2', 'SELECT 3']) {
      const traits = await small.traits(text);
      expect(small.known(text)).toBe(traits);
    }
    expect(small.known('SELECT 2')).toBeUndefined();
    const none = new StatementParser({ cacheSize: 0 });
    expect((await none.traits('SELECT 1')).readOnly).toBe(true);
    expect(none.known('SELECT 1')).toBeUndefined();
  });

  it('do not keep long texts in any number', async () => {
    const texts = Array.from({ length: 60 }, (_, i) => `SELECT ${i}, '${'x'.repeat(90_000)}'`);
    const own = new StatementParser();
    for (const text of texts) await own.traits(text);
    expect(texts.filter((text) => own.known(text) !== undefined)).toEqual(texts.slice(-44));
  });

  it('learn that a standby refused a text, before and after it was parsed', async () => {
    const own = new StatementParser();
    await own.traits('TABLE v');
    own.learnWrite('TABLE v');
    own.learnWrite('TABLE w');
    for (const text of ['TABLE v', 'TABLE w']) {
      expect(await own.traits(text)).toMatchObject({
        readOnly: false,
        sessionState: false,
        reason: 'was refused by a standby (25006)',
      });
    }
    expect((await own.traits('TABLE x')).readOnly).toBe(true);
  });

  it('load the parser once for all who ask at the same time', async () => {
    let loads = 0;
    const own = new StatementParser({}, () => {
      loads += 1;
      return loadSqlParser();
    });
    const all = await Promise.all(['SELECT 1', 'SELECT 2', 'SELECT 3'].map((text) => own.traits(text)));
    expect(all.map(({ readOnly }) => readOnly)).toEqual([true, true, true]);
    expect(loads).toBe(1);
  });

  it('give pessimistic traits when the parser cannot be loaded', async () => {
    const own = new StatementParser({}, () => Promise.reject(new Error('no such package')));
    const { reason, ...traits } = await own.traits('SELECT 1');
    expect(traits).toEqual(PESSIMISTIC);
    expect(reason).toBe('is not parsed, since the parser cannot be used: no such package');
    expect((await own.traits('commit')).transactionControl).toBe('COMMIT');
  });

  it('refuse to go by a tree of another shape', async () => {
    for (const tree of [undefined, {}, { stmts: [{}] }, { stmts: [{ stmt: [] }] }, { stmts: ['SELECT 1'] }]) {
      const own = new StatementParser({}, () => Promise.resolve(() => tree));
      expect((await own.traits('SELECT 1')).readOnly).toBe(false);
    }
  });

  it('survive texts that are nested too deeply for the parser', async () => {
    const nested = [
      (n: number) => `SELECT ${'(SELECT '.repeat(n)}1${')'.repeat(n)}`,
      (n: number) => `SELECT ${'f('.repeat(n)}1${')'.repeat(n)}`,
      (n: number) => `SELECT ${'"é"('.repeat(n)}1${')'.repeat(n)}`,
      (n: number) => `SELECT ${'- '.repeat(n)}1.`,
      (n: number) => `SELECT 1${'::a'.repeat(n)}`,
      (n: number) => `SELECT ${'(1,'.repeat(n)}1${')'.repeat(n)}`,
    ];
    for (const text of nested) {
      for (let n = 100; text(n).length < MAX_PARSED_LENGTH; n = Math.ceil(n * 1.2)) {
        expect((await parser.traits(text(n))).reason ?? '').not.toContain('has failed');
      }
    }
    expect((await parser.traits('SELECT now()')).readOnly).toBe(true);
  });
});

describe('the package', () => {
  it('loads no parser before the first text is asked for, and none that keeps the process alive', async () => {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      await import(${JSON.stringify(new URL('../index.ts', import.meta.url).href)});
      const { StatementParser } = await import(${JSON.stringify(new URL('./statement.ts', import.meta.url).href)});
      const count = () => loaded.filter((url) => url.includes('libpg-query')).length;
      const before = count();
      const { readOnly } = await new StatementParser().traits('SELECT 1');
      console.log(JSON.stringify({ before, after: count() > 0, readOnly }));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 20_000,
    });
    expect(JSON.parse(stdout)).toEqual({ before: 0, after: true, readOnly: true });
  });
});
