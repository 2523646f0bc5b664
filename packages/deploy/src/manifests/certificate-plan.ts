import type { Lab } from '../config/lab.ts';
import { serviceNames } from './manifest.ts';

/** What the cluster's certificate must say so that `verify-full` passes on every way in. */
export interface CertificatePlan {
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly days: number;
}

/** One certificate for all: a failover must not change what a client sees, and poolers show it too. */
export function certificatePlan(lab: Lab): CertificatePlan {
  const { namespace } = lab.cluster;
  const { master, replica, masterPooler, replicaPooler } = serviceNames(lab);
  const { addresses } = lab.network;
  return {
    commonName: lab.cluster.name,
    dnsNames: [master, replica, masterPooler, replicaPooler].flatMap((name) => [
      name,
      `${name}.${namespace}`,
      `${name}.${namespace}.svc`,
      `${name}.${namespace}.svc.cluster.local`,
    ]),
    ipAddresses: [addresses.master, addresses.replica, addresses.masterPooler, addresses.replicaPooler],
    days: lab.tls.certificateDays,
  };
}
