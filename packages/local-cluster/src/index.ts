export { startCluster, connectCluster } from './start-cluster.ts';
export { FAULT_NAMES } from './faults/fault.ts';
export { faultText, parseFaultText } from './faults/fault-text.ts';
export { ENDPOINT_KINDS } from './endpoint.ts';
export { CLUSTER_DEFAULTS, ENGINES, POSTGRES_VERSIONS } from './options.ts';
export { ClusterError } from './errors.ts';
export type {
  Cluster,
  ClusterEvent,
  ClusterEventType,
  ClusterStatus,
  FaultStatus,
  PatroniAccess,
  ServerAddress,
  ServerState,
  ServerStatus,
  VirtualIpStatus,
} from './cluster.ts';
export type { Address, EndpointKind } from './endpoint.ts';
export type { StartOptions } from './start-cluster.ts';
export type { AppliedFault, FaultName, FaultOptions } from './faults/fault.ts';
export type { ClusterOptions, PostgresVersion } from './options.ts';
export type { ServerCertificates } from './own-secrets.ts';
