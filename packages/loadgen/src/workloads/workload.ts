import type { Answer, Session } from '../drivers/driver.ts';
import type { Random } from '../measure/random.ts';

export type WorkloadName = 'ledger' | 'random-row';
export type OperationKind = 'read' | 'write';

/** One simulated client: what it does next, again and again. */
export interface Script {
  next(): { kind: OperationKind; answer: Promise<Answer> };
}

export interface Workload {
  /** The operation whose successes are watched for gaps: what callers wait for in an outage. */
  readonly pulse: OperationKind;
  script(client: number, session: Session, random: Random): Script;
}
