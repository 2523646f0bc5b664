export interface Example {
  readonly what: string;
  readonly folder: string;
  readonly command: readonly [string, ...string[]];
  /** Run as superuser before it starts. */
  readonly initSql?: string;
}

/** The table that the school's script read from, with the names of nobody. */
const TESTDATEN = `
CREATE TABLE testdaten AS
  SELECT id, 'Name ' || id AS name, (id * 7919) % 1000 AS num_col FROM generate_series(1, 10000) AS id;
ALTER TABLE testdaten ADD PRIMARY KEY (id);
ALTER TABLE testdaten OWNER TO bauer;
`;

export const EXAMPLES: Readonly<Record<string, Example>> = {
  hello: {
    what: 'thirty lines that write and read through a failover',
    folder: 'hello',
    command: ['node', 'main.js'],
  },
  klatab: {
    what: 'a small school app: timetable, appointments, exams and substitutions, in the browser',
    folder: 'klatab',
    command: ['node', 'src/main.ts', '--demo'],
  },
  original: {
    what: "the school's first script, in Python: 300 threads, a connection each",
    folder: 'original',
    command: ['python3', 'db-test-multi.py'],
    initSql: TESTDATEN,
  },
  'drop-in-plain': {
    what: 'a small app with pg, as it was',
    folder: 'drop-in',
    command: ['node', 'app.cjs'],
  },
  'drop-in': {
    what: 'the same app, not a character changed, with SchoolDB underneath',
    folder: 'drop-in',
    command: ['node', '--import', '@schooldb/client/register', 'app.cjs'],
  },
};
