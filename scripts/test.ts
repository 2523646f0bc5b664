/**
 * `npm test`: unit and integration tests on this Node. With `--all-nodes`, and always in CI, the unit tests and a
 * smoke test of the packed packages also run on the oldest Node that is supported and on the one in between. Other
 * arguments go to Vitest, for example `npm test -- packages/client`. Ends with one line that counts everything.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { smokeTest } from './smoke.ts';
import { runToEnd } from './steps.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const OTHER_NODES = ['22.19.0', '24.21.0'];
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const args = process.argv.slice(2).filter((each) => each !== '--all-nodes');
const allNodes = args.length < process.argv.length - 2 || (Boolean(process.env['CI']) && args.length === 0);
const total: Count = { passed: 0, failed: 0, skipped: 0 };

add(await vitest(process.execPath, [], args));
if (allNodes) {
  for (const node of OTHER_NODES) {
    heading(`unit tests on Node ${node}`);
    add(
      await vitest(
        'npx',
        ['-y', '--prefer-offline', '-p', `node@${node}`, '--', 'node'],
        ['--project', 'unit'],
      ),
    );
  }
  heading('the packed packages, installed in an empty project');
  for (const { node, ok, output } of await smokeTest(ROOT, [...OTHER_NODES, process.versions.node])) {
    console.log(ok ? output.trim() : `FAILED on Node ${node}\n${output}`);
    add({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 });
  }
}
console.log(
  `\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

async function vitest(
  program: string,
  before: readonly string[],
  vitestArgs: readonly string[],
): Promise<Count> {
  const directory = await mkdtemp(join(tmpdir(), 'schooldb-test-'));
  try {
    const report = join(directory, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const { ok } = await runToEnd(program, [...before, VITEST, 'run', ...reporters, ...vitestArgs], {
      cwd: ROOT,
      show: true,
    });
    return await countOf(report, ok);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A run can fail without a failed test: a file that does not load, an error behind the last test. */
async function countOf(report: string, ok: boolean): Promise<Count> {
  const text = await readFile(report, 'utf8').catch(() => '{}');
  const counted = JSON.parse(text) as Record<string, number | undefined>;
  const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = counted;
  const skipped = (counted['numPendingTests'] ?? 0) + (counted['numTodoTests'] ?? 0);
  return { passed, failed: failed === 0 && !ok ? 1 : failed, skipped };
}

function add(count: Count): void {
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
}

function heading(text: string): void {
  console.log(`\n--- ${text}`);
}
