import type { CheckResult } from '../operations/verify/check.ts';
import { verify } from '../operations/verify/verify.ts';
import type { VerifyContext } from '../operations/verify/verify.ts';
import { VERIFY_TEXTS } from '../operations/verify/texts.ts';
import type { VerifyTexts } from '../operations/verify/verify-texts.ts';
import { checkLines, countChecks } from '../operations/verify/verify-output.ts';
import type { CommonOptions, Output } from './command.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { patiently } from './patience.ts';
import type { OperatedCluster } from './with-cluster.ts';

/** Looks at the cluster from where an app would be, and tells each result as it comes. */
export async function verifyAndTell(
  { lab, kube, reach, signal, pace }: Pick<OperatedCluster, 'lab' | 'kube' | 'reach' | 'signal' | 'pace'>,
  { language }: CommonOptions,
  output: Output,
): Promise<ExitCode> {
  const texts = VERIFY_TEXTS[language];
  const results: CheckResult[] = [];
  const report = (found: CheckResult): void => {
    results.push(found);
    for (const line of checkLines(found, texts)) output.out(line);
  };
  await verifyPatiently({ lab, kube, reach, signal, databaseMs: pace.databaseMs, report }, texts, output);
  const { ok, failed, notChecked } = countChecks(results);
  output.out(failed === 0 ? texts.passed(ok, notChecked) : texts.failed(failed, notChecked));
  return failed === 0 ? EXIT.ok : EXIT.failed;
}

/** An address that swallows everything keeps each check waiting: whoever looks on is told so. */
export function verifyPatiently(context: VerifyContext, texts: VerifyTexts, output: Output): Promise<void> {
  const say = (): void => output.err(texts.taking(Math.round(context.databaseMs / 1_000)));
  return patiently(say, (heard) =>
    verify({
      ...context,
      report: (found) => {
        heard();
        context.report(found);
      },
    }),
  );
}
