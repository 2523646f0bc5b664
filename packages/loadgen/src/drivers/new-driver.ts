import type { Driver, DriverName } from './driver.ts';
import { NaiveDriver } from './naive-driver.ts';
import { PgDriver } from './pg-driver.ts';
import { SchoolDbDriver } from './schooldb-driver.ts';
import type { Target } from './target.ts';

/** Plain data: it crosses into the worker thread. */
export interface DriverPlan {
  name: DriverName;
  target: Target;
  /** How the server's list of connections names those of this driver. */
  applicationName: string;
  /** Per endpoint. The naive driver knows no limit. */
  maxConnections: number;
  /** Whether the database has the schema that exactly-once needs. */
  exactlyOnce: boolean;
}

const NEW_DRIVER: Record<DriverName, (plan: DriverPlan) => Driver> = {
  schooldb: ({ target, applicationName, maxConnections, exactlyOnce }) =>
    new SchoolDbDriver(target, applicationName, maxConnections, exactlyOnce),
  pg: ({ target, applicationName, maxConnections }) => new PgDriver(target, applicationName, maxConnections),
  naive: ({ target, applicationName }) => new NaiveDriver(target, applicationName),
};

export function newDriver(plan: DriverPlan): Driver {
  return NEW_DRIVER[plan.name](plan);
}

/**
 * How long an operation may be under way after the load has ended: the driver's own longest wait and a little more. The
 * naive driver has no limit of its own.
 */
export const DRAIN_MS: Record<DriverName, number> = { schooldb: 65_000, pg: 35_000, naive: 5_000 };
