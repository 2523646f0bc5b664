/** The client under test, made from a schedule. Alone in knowing what its constructor takes. */
import { SchoolDb } from '../../src/api/create-school-db.ts';
import { resolveOptions } from '../../src/api/resolve-options.ts';
import type { OpenWire } from '../../src/wire/wire.ts';
import type { Dice } from './dice.ts';
import type { ScheduleConfig } from './schedule.ts';
import type { SimTime } from './time.ts';

export function makeClient(config: ScheduleConfig, time: SimTime, dice: Dice, openWire: OpenWire): SchoolDb {
  const endpoints = {
    master: 'master',
    ...(config.replicaAddress ? { replica: 'replica' } : {}),
    ...(config.poolers ? { masterPooler: 'masterPooler', replicaPooler: 'replicaPooler' } : {}),
  };
  return new SchoolDb(resolveOptions({ endpoints, database: 'school', user: 'app', ...config.client }), {
    clock: time.clock,
    random: () => dice.next(),
    openWire,
    newId: () => dice.uuid(),
  });
}
