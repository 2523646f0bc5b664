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

/** Its callers go through a pooler; those of all other faults do not. */
export const THROUGH_POOLER: FaultName = 'stale-pooler';

/** The cases of an engine, in the order in which the README names the faults. */
export function faultCases(engine: EngineName): FaultCase[] {
  return namesOf(engine).map((name) => ({
    name,
    options: {},
    forMs: engine === 'patroni' && PATRONI_LEASE.includes(name) ? LEASE_MS : SHORT_MS,
    ...SPECIAL[name],
  }));
}

/** Every fault there is that an engine has no case for, with the reason. */
export function faultsWithoutCase(engine: EngineName): { name: FaultName; why: string }[] {
  const known = namesOf(engine);
  return FAULT_NAMES.filter((name) => !known.includes(name)).map((name) => ({
    name,
    why: 'this engine does not have it',
  }));
}

function namesOf(engine: EngineName): FaultName[] {
  const known = faultsOfEngine(engine);
  return FAULT_NAMES.filter((name) => name === THROUGH_POOLER || known.includes(name));
}
