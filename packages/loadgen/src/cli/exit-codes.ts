import type { Verdict } from '../verify/verdict.ts';

export const EXIT = {
  ok: 0,
  crash: 1,
  usage: 2,
  unreachable: 3,
  violation: 10,
  inconclusive: 11,
  threshold: 99,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOf(verdict: Verdict): ExitCode {
  return verdict === 'pass' ? EXIT.ok : EXIT[verdict];
}
