/** The process of `bench idle`: an app that has used its client and then wants nothing of it any more. */
import { setTimeout } from 'node:timers/promises';
import { createSchoolDb } from '@schooldb/client';
import { PLAN_VARIABLE } from './idle-plan.ts';
import type { IdlePlan } from './idle-plan.ts';

const { master, replica, ca, stayMs, ...rest } = JSON.parse(process.env[PLAN_VARIABLE] ?? '{}') as IdlePlan;
const db = createSchoolDb({ ...rest, endpoints: { master, replica }, tls: { ca } });
await db.write('SELECT 1');
await db.read('SELECT 1');
process.stdout.write('idle\n');
if (stayMs !== null) {
  await setTimeout(stayMs);
  await db.close();
}
