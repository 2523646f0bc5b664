/** What an address is meant to lead to; behind one address stand changing servers. */
export type EndpointKind = 'master' | 'replica' | 'masterPooler' | 'replicaPooler';

export const ENDPOINT_KINDS = ['master', 'replica', 'masterPooler', 'replicaPooler'] as const;

export interface Address {
  host: string;
  port: number;
}
