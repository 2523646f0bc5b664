import type { Reporter, TestCase } from 'vitest/node';

/**
 * Names the tests that passed on their second attempt only. CI allows integration tests one: they stage failures of
 * real servers on a machine that others use too. A test that stands here again and again is a defect.
 */
export default class UnsteadyReporter implements Reporter {
  readonly #unsteady: string[] = [];

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky === true)
      this.#unsteady.push(`${test.module.relativeModuleId}: ${test.fullName}`);
  }

  onTestRunEnd(): void {
    for (const name of this.#unsteady) console.log(`UNSTEADY, passed on its second attempt: ${name}`);
  }
}
