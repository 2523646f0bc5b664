// An appointment every half second, and the list of them. Kill the primary meanwhile: nothing is lost, nothing is there twice.
import { setTimeout as pause } from 'node:timers/promises';
import { createSchoolDb } from '@schooldb/client';

// Where the database is comes from the environment: SCHOOLDB_…, DATABASE_URL or PG….
const db = createSchoolDb();
const end = new AbortController();
process.once('SIGINT', () => end.abort());

db.on('endpoint:down', ({ endpoint, reason }) => console.log(`${endpoint} is away: ${reason}`));
db.on('primary:changed', ({ timeline }) => console.log(`the primary is on timeline ${timeline}`));

await db.write('CREATE TABLE IF NOT EXISTS termine (nummer integer, klasse text)');

let written = 0;
while (!end.signal.aborted) {
  const begun = performance.now();
  written += 1;
  // Carried out once, whatever happens to the server.
  await db.write('INSERT INTO termine VALUES ($1, $2)', [written, '10A'], { exactlyOnce: true });
  // Goes to a replica, and never misses what was written before.
  const { rows } = await db.query('SELECT count(*)::integer AS termine FROM termine WHERE klasse = $1', [
    '10A',
  ]);
  const waited = Math.round(performance.now() - begun);
  console.log(`${written} written, ${rows[0].termine} read, ${waited} ms`);
  await pause(500, undefined, { signal: end.signal }).catch(() => {});
}

await db.close();
