import type { RunReport } from '../run/run-report.ts';

export interface DemoReport {
  /** Plain pg as a careful developer would use it. */
  pg: RunReport;
  schooldb: RunReport;
  kept: PromiseKept;
}

/** Whether SchoolDB did what it promises. */
export interface PromiseKept {
  kept: boolean;
  /** What was broken, or could not be shown; empty when the promise was kept. */
  reasons: string[];
  /** True when nothing was broken, but too little happened to prove anything. */
  inconclusive: boolean;
}

/** No error for a caller, nothing lost, nothing done twice, connections within the budget. */
export function judgePromise({ errors, connections, verification }: RunReport): PromiseKept {
  const broken: string[] = [];
  if (errors > 0) broken.push(`callers saw ${errors} errors`);
  if (verification?.verdict === 'violation') broken.push(...verification.reasons);
  if (connections.budget !== null && connections.mostInTotal > connections.budget)
    broken.push(`${connections.mostInTotal} connections, over the budget of ${connections.budget}`);
  if (broken.length > 0) return { kept: false, reasons: broken, inconclusive: false };
  if (verification?.verdict !== 'pass')
    return { kept: false, reasons: verification?.reasons ?? ['nothing was verified'], inconclusive: true };
  return { kept: true, reasons: [], inconclusive: false };
}
