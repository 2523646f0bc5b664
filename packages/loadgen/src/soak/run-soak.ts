import type { Bed } from '../bed/bed.ts';
import type { EngineName } from '../options/engine.ts';
import { runLoad } from '../run/run-load.ts';
import type { RunContext } from '../run/run-load.ts';
import { soakReport } from './soak-report.ts';
import type { SoakReport } from './soak-report.ts';
import { soakRounds } from './soak-rounds.ts';

export interface SoakOptions {
  engine: EngineName;
  durationMs: number;
  clients: number;
  thinkMs: number;
  /** Of the supervisor, or Patroni's lease. */
  promoteAfterMs: number;
  /** Of the load, of the order of the faults, and of the rests between them. */
  seed: number;
}

const MAX_CONNECTIONS = 20;

/** One load through one client, and one fault after another, each once the cluster is whole again, until the time is up. */
export async function runSoak(bed: Bed, options: SoakOptions, context: RunContext): Promise<SoakReport> {
  const { engine, promoteAfterMs, seed, ...load } = options;
  const run = await runLoad(
    bed,
    {
      ...load,
      driver: 'schooldb',
      workload: 'ledger',
      maxConnections: MAX_CONNECTIONS,
      rows: 1,
      seed,
      faults: soakRounds(engine, seed),
      pace: 'in-turn',
      promoteAfterMs,
      verify: true,
      keep: false,
    },
    context,
  );
  // What was planned and never due would only swell the report.
  return soakReport(engine, { ...run, options: { ...run.options, faults: [] } });
}
