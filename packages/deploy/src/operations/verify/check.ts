import type { EndpointKind } from '@schooldb/client';
import type { Obstacle } from '../../errors/deploy-error.ts';

/** What is looked at, in this order. */
export type CheckId =
  | 'nodes'
  | 'database'
  | 'poolers'
  | 'members'
  | 'address'
  | 'credentials'
  | 'tls'
  | 'version'
  | 'settings'
  | 'helper-schema'
  | 'write'
  | 'read'
  | 'refusal'
  | 'tidy'
  | 'failover'
  | 'api-balancer'
  | 'backup';

/** One line of the result. */
export interface CheckResult {
  readonly check: CheckId;
  /** Of those that are made at each address. */
  readonly endpoint?: EndpointKind;
  readonly result: Result;
}

export type Result =
  | { readonly state: 'ok'; readonly fact: Fact }
  | { readonly state: 'failed'; readonly fault: Fault }
  | { readonly state: 'not-checked'; readonly gap: Gap };

/** What was found where all is well. */
export type Fact =
  | { readonly is: 'nodes-ready'; readonly nodes: readonly string[] }
  | { readonly is: 'running'; readonly name: string; readonly instances: number }
  | { readonly is: 'poolers-ready'; readonly instances: number }
  | { readonly is: 'members-follow'; readonly primary: string; readonly standbys: readonly string[] }
  | { readonly is: 'address-pinned'; readonly service: string; readonly address: string }
  | { readonly is: 'credentials-there'; readonly user: string; readonly database: string }
  | { readonly is: 'verified'; readonly protocol: string; readonly days: number }
  | { readonly is: 'version'; readonly version: string }
  | { readonly is: 'settings-hold'; readonly settings: readonly string[] }
  | { readonly is: 'helper-schema-there' }
  | { readonly is: 'written' }
  | { readonly is: 'readable'; readonly afterMs: number; readonly limitMs: number; readonly standbys: number }
  | { readonly is: 'refused'; readonly code: string }
  | { readonly is: 'tidied' };

export type Fault =
  | { readonly is: 'node-missing'; readonly node: string; readonly address: string }
  | { readonly is: 'node-not-ready'; readonly node: string; readonly reason: string }
  | { readonly is: 'obstacle'; readonly obstacle: Obstacle }
  | { readonly is: 'no-primary' }
  | { readonly is: 'several-primaries'; readonly pods: readonly string[] }
  | { readonly is: 'member-missing'; readonly there: number; readonly wanted: number }
  | { readonly is: 'member-state'; readonly pod: string; readonly state: string }
  | {
      readonly is: 'member-timeline';
      readonly pod: string;
      readonly timeline: number;
      readonly primarys: number;
    }
  | { readonly is: 'member-behind'; readonly pod: string; readonly lagBytes: number; readonly most: number }
  | { readonly is: 'nobody-confirms' }
  | {
      readonly is: 'secret-incomplete';
      readonly namespace: string;
      readonly secret: string;
      readonly key: string;
    }
  | { readonly is: 'unreachable'; readonly address: string; readonly reason: string }
  | { readonly is: 'no-tls'; readonly address: string }
  | { readonly is: 'certificate'; readonly address: string; readonly reason: string }
  | { readonly is: 'other-version'; readonly version: string; readonly wanted: number }
  | {
      readonly is: 'setting-differs';
      readonly setting: string;
      readonly value: string;
      readonly wanted: string;
      readonly isPending: boolean;
    }
  | { readonly is: 'helper-schema-missing'; readonly reason: string }
  | { readonly is: 'busy' }
  | { readonly is: 'scratch-taken' }
  | { readonly is: 'sql'; readonly reason: string }
  | { readonly is: 'served-elsewhere'; readonly by: string; readonly reason: string }
  | { readonly is: 'late'; readonly afterMs: number; readonly limitMs: number }
  | { readonly is: 'never-readable'; readonly afterMs: number }
  | { readonly is: 'write-accepted' }
  | { readonly is: 'not-tidied'; readonly reason: string };

/** Why something was not looked at. */
export type Gap =
  | { readonly is: 'needs'; readonly check: CheckId }
  | { readonly is: 'no-standby' }
  | { readonly is: 'is-a-drill' }
  | { readonly is: 'needs-hosts' }
  | { readonly is: 'needs-backup' };

export const ok = (fact: Fact): Result => ({ state: 'ok', fact });
export const failed = (fault: Fault): Result => ({ state: 'failed', fault });
export const notChecked = (gap: Gap): Result => ({ state: 'not-checked', gap });
