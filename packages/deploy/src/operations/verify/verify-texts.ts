import type { EndpointKind } from '@schooldb/client';
import type { By } from '../../cli/cluster-texts.ts';
import type { CheckId, Fact, Fault, Gap, Result } from './check.ts';

/** What `verify` says, in one language. */
export interface VerifyTexts {
  readonly states: Readonly<Record<Result['state'], string>>;
  readonly checks: Readonly<Record<CheckId, string>>;
  readonly endpoints: Readonly<Record<EndpointKind, string>>;
  readonly facts: By<Fact, 'is'>;
  readonly faults: By<Fault, 'is'>;
  readonly remedies: By<Fault, 'is'>;
  readonly gaps: By<Gap, 'is'>;
  /** Nothing was heard for a while. */
  taking(seconds: number): string;
  passed(ok: number, notChecked: number): string;
  failed(failed: number, notChecked: number): string;
}
