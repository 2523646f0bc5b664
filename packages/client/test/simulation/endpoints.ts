/** The addresses of a simulated cluster, by what they should lead to. */
export const ENDPOINT_KINDS = ['master', 'replica', 'masterPooler', 'replicaPooler'] as const;

export type EndpointKind = (typeof ENDPOINT_KINDS)[number];

/** The role that a statement sent there needs. */
export function roleBehind(kind: EndpointKind): 'primary' | 'standby' {
  return kind === 'master' || kind === 'masterPooler' ? 'primary' : 'standby';
}
