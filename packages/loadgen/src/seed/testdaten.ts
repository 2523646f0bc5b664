import type { PlainConnection } from '../drivers/plain-connection.ts';

const ROWS_PER_INSERT = 1_000;
const LARGEST_NUMBER = 100;

/**
 * Creates `testdaten(id, name, num_col)` and fills it with German names. The same seed gives the same rows, on any
 * day.
 */
export async function seedTestdaten(connection: PlainConnection, rows: number, seed: number): Promise<void> {
  await connection.query(
    'create table testdaten (id integer primary key, name text not null, num_col integer not null)',
  );
  // Loaded here because it takes a fifth of a second, and most starts of the program do not seed.
  const { faker } = await import('@faker-js/faker/locale/de');
  faker.seed(seed);
  faker.setDefaultRefDate('2025-01-15T00:00:00Z');
  for (let first = 1; first <= rows; first += ROWS_PER_INSERT) {
    const n = Math.min(ROWS_PER_INSERT, rows - first + 1);
    const ids = Array.from({ length: n }, (_, i) => first + i);
    const names = ids.map(() => faker.person.fullName());
    const numbers = ids.map(() => faker.number.int({ min: 1, max: LARGEST_NUMBER }));
    await connection.query('insert into testdaten select * from unnest($1::int[], $2::text[], $3::int[])', [
      ids,
      names,
      numbers,
    ]);
  }
  await connection.query('analyze testdaten');
}
