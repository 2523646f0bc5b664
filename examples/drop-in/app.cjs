'use strict';
// A timetable service as many were written: pg, a pool, callbacks here and promises there. It knows nothing of failovers.
const { Pool } = require('pg');

const pool = new Pool({ max: 5, connectionTimeoutMillis: 30000 });

const counts = { lessons: 0, changes: 0, failed: 0 };

async function setUp() {
  await pool.query('CREATE TABLE IF NOT EXISTS stundenplan (stunde integer PRIMARY KEY, fach text NOT NULL)');
  await pool.query(
    "INSERT INTO stundenplan SELECT n, 'Mathematik' FROM generate_series(1, 10) n ON CONFLICT DO NOTHING",
  );
}

// A pupil looks something up.
function lookUp(stunde) {
  pool.query('SELECT fach FROM stundenplan WHERE stunde = $1', [stunde], (error, result) => {
    if (error) return failed('lookUp', error);
    counts.lessons += result.rowCount;
  });
}

// The secretary moves two lessons.
async function swap(a, b) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query(
      'SELECT stunde, fach FROM stundenplan WHERE stunde IN ($1, $2) FOR UPDATE',
      [a, b],
    );
    const fach = (stunde) => rows.find((row) => row.stunde === stunde).fach;
    await client.query('UPDATE stundenplan SET fach = $2 WHERE stunde = $1', [a, fach(b)]);
    await client.query('UPDATE stundenplan SET fach = $2 WHERE stunde = $1', [b, fach(a)]);
    await client.query('COMMIT');
    counts.changes += 1;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

function failed(what, error) {
  counts.failed += 1;
  console.error(`${what}: ${error.code || ''} ${error.message}`);
}

setUp().then(() => {
  const timers = [
    setInterval(() => lookUp(1 + Math.floor(Math.random() * 10)), 50),
    setInterval(() => swap(1, 2).catch((error) => failed('swap', error)), 500),
    setInterval(
      () =>
        console.log(`${counts.lessons} lessons shown, ${counts.changes} changes, ${counts.failed} failed`),
      1000,
    ),
  ];
  process.once('SIGINT', () => {
    timers.forEach(clearInterval);
    pool.end();
  });
});
