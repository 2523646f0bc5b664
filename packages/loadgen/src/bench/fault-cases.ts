import { FAULT_NAMES } from '@schooldb/local-cluster';
import type { FaultName, FaultOptions } from '@schooldb/local-cluster';
import { faultsOfEngine } from '../options/engine.ts';
import type { EngineName } from '../options/engine.ts';

/** How one fault is made for the matrix. */
export interface FaultCase {
  name: FaultName;
  options: FaultOptions;
  /** Null leaves it to the cluster to heal. */
  forMs: number | null;
}

/** What is not part of the matrix, and why, for its reader. */
export const OUT_OF_REACH: Partial<Record<FaultName, string>> = {
  'stale-pooler': 'strikes poolers, which this load does not use',
};

const SHORT_MS = 3_000;
/** The lease of Patroni's primary runs out within this. */
const LEASE_MS = 25_000;

/** Where it is not the short time, or not the fault's own defaults. */
const SPECIAL: Partial<Record<FaultName, Partial<FaultCase>>> = {
  'kill-primary': { forMs: null },
  'freeze-primary': { forMs: null },
  'crash-backend': { forMs: null },
  restart: { forMs: null },
  switchover: { forMs: null },
  'cut-after-commit': { options: { times: 5 } },
  'cut-at-message': { options: { times: 5 } },
};
/** What Patroni only notices when a lease has run out. */
const PATRONI_LEASE: readonly FaultName[] = [
  'partition',
  'lose-etcd',
  'cut-etcd',
  'kill-agent',
  'freeze-agent',
];

/** The cases of an engine, in the order in which the README names the faults. */
export function faultCases(engine: EngineName): FaultCase[] {
  return faultsOfEngine(engine).map((name) => ({
    name,
    options: {},
    forMs: engine === 'patroni' && PATRONI_LEASE.includes(name) ? LEASE_MS : SHORT_MS,
    ...SPECIAL[name],
  }));
}

/** Every fault there is that an engine has no case for, with the reason. */
export function faultsWithoutCase(engine: EngineName): { name: FaultName; why: string }[] {
  const known = faultsOfEngine(engine);
  return FAULT_NAMES.filter((name) => !known.includes(name)).map((name) => ({
    name,
    why: OUT_OF_REACH[name] ?? 'this engine does not have it',
  }));
}
