import { VIOLATIONS } from './checker.ts';
import type { CheckResult } from './checker.ts';

export type Verdict = 'pass' | 'violation' | 'inconclusive';

export interface Judgement {
  verdict: Verdict;
  /** One sentence each, the gravest first. */
  reasons: string[];
}

export interface Evidence {
  check: CheckResult;
  /** Faults that had to lead to a failover. */
  failoversExpected: number;
  failoversSeen: number;
  /** Scheduled faults that never happened, because the load was ended before. */
  faultsNotApplied: number;
  /** Why faults could not be made, undone or healed, each with its name. */
  faultErrors: readonly string[];
}

/** Above this share of unknown outcomes too little is known of the writes to call it a pass. */
export const MOST_UNKNOWN_RATIO = 0.1;
/** Above this share unknown outcomes are mentioned beside a pass. */
const MENTION_UNKNOWN_RATIO = 0.01;

const WORDS: Record<(typeof VIOLATIONS)[number], string> = {
  lost: 'acknowledged and lost',
  duplicate: 'done twice',
  ghost: 'reported as failed and yet present',
  unexpected: 'present and never sent',
};

/** Decides what the evidence allows to say. A violation outranks all doubts; a doubt outranks a pass. */
export function judge(evidence: Evidence): Judgement {
  const violations = violationsOf(evidence.check);
  if (violations.length > 0) return { verdict: 'violation', reasons: violations };
  const doubts = doubtsOf(evidence);
  if (doubts.length > 0) return { verdict: 'inconclusive', reasons: doubts };
  return { verdict: 'pass', reasons: supportOf(evidence) };
}

/** The verdict when the database could not be read back. */
export function notReadBack(why: string): Judgement {
  return { verdict: 'inconclusive', reasons: [`the database could not be read back: ${why}`] };
}

function violationsOf(check: CheckResult): string[] {
  return VIOLATIONS.filter((kind) => check.counts[kind] > 0).map(
    (kind) => `${count(check.counts[kind], 'write')} ${WORDS[kind]}`,
  );
}

function doubtsOf({ check, failoversExpected, failoversSeen, ...faults }: Evidence): string[] {
  const { faultsNotApplied, faultErrors } = faults;
  const doubts: string[] = [];
  if (check.acknowledged === 0) doubts.push('no write was acknowledged, so none could be lost');
  if (faultsNotApplied > 0) doubts.push(`${count(faultsNotApplied, 'scheduled fault')} did not happen`);
  doubts.push(...faultErrors);
  if (failoversSeen < failoversExpected)
    doubts.push(`${count(failoversExpected, 'failover')} should have happened, ${failoversSeen} did`);
  if (check.unknown > check.writes * MOST_UNKNOWN_RATIO)
    doubts.push(`${unknownShare(check)}: too many to judge by (limit ${MOST_UNKNOWN_RATIO * 100} %)`);
  return doubts;
}

function supportOf({ check, failoversSeen }: Evidence): string[] {
  const through = failoversSeen === 0 ? '' : ` through ${count(failoversSeen, 'failover')}`;
  const support = [`all ${count(check.acknowledged, 'acknowledged write')} present once${through}`];
  if (check.unknown > check.writes * MENTION_UNKNOWN_RATIO) support.push(unknownShare(check));
  return support;
}

function unknownShare(check: CheckResult): string {
  const percent = ((check.unknown / check.writes) * 100).toFixed(1);
  return `${count(check.unknown, 'write')} (${percent} %) ended with an unknown outcome`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
