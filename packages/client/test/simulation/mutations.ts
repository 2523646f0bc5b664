/** All ways to break the client on purpose. */
import { CONNECTION_MUTATIONS } from './mutations/connection-mutations.ts';
import { LEASE_MUTATIONS } from './mutations/lease-mutations.ts';
import { READ_MUTATIONS } from './mutations/read-mutations.ts';
import { STATEMENT_MUTATIONS } from './mutations/statement-mutations.ts';
import type { Mutation } from './mutations/mutation.ts';

export const MUTATIONS: readonly Mutation[] = [
  ...STATEMENT_MUTATIONS,
  ...CONNECTION_MUTATIONS,
  ...READ_MUTATIONS,
  ...LEASE_MUTATIONS,
];
