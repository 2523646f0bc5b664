/**
 * `npm test`: unit and integration tests on this Node. With `--all-nodes`, and always in CI, the unit tests and a
 * smoke test of the packed packages also run on the oldest Node that is supported and on the one in between, and the
 * client's integration tests against every other major of PostgreSQL. `--postgres 18` runs those against one major.
 * Other arguments go to Vitest, for example `npm test -- packages/client`. Ends with one line that counts everything.
 */
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOf, fetchMajor, OTHER_MAJORS, parseMajor } from './postgres-versions.ts';
import { POSTGRES_VERSIONS, type PostgresVersion } from '../packages/local-cluster/src/options.ts';
import { smokeTest } from './smoke.ts';
import { runToEnd } from './steps.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const OTHER_NODES = ['22.19.0', '24.21.0'];
/** Of each failure, at most. */
const LINES_TOLD = 12;
const INTEGRATION = 'packages/client/test/integration';
/**
 * What is run against a major: the client on real servers, and what of the cluster depends on the version. Not what
 * watches the client's own memory through twenty failovers: two minutes that no server's version has a say in. (Vitest's
 * `--exclude` says nothing to a project that has an `exclude` of its own.)
 */
const PER_MAJOR = [
  ...readdirSync(join(ROOT, INTEGRATION))
    .filter((file) => file.endsWith('.test.ts') && file !== 'leaks.test.ts')
    .map((file) => `${INTEGRATION}/${file}`),
  'packages/local-cluster/test/versions.test.ts',
];
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part of Vitest's JSON report that is used here. */
interface Report {
  readonly numPassedTests?: number;
  readonly numFailedTests?: number;
  readonly numPendingTests?: number;
  readonly numTodoTests?: number;
  readonly testResults?: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const args = process.argv.slice(2).filter((each) => each !== '--all-nodes');
const allNodes = args.length < process.argv.length - 2 || (Boolean(process.env['CI']) && args.length === 0);
const total: Count = { passed: 0, failed: 0, skipped: 0 };
/** Told again at the end: whoever reads a log from its end finds them beside the count. */
const failures: string[] = [];

const { major, rest } = majorIn(args);
if (major !== undefined) await againstMajor(major, rest.length > 0 ? rest : PER_MAJOR);
else if (args.length > 0) add(await vitest(process.execPath, [], args));
else {
  heading('unit tests, with the coverage of what decides');
  add(await vitest(process.execPath, [], ['--project', 'unit', '--coverage']));
  heading('integration tests, on real servers');
  const attempts = process.env['CI'] ? ['--retry=1'] : [];
  add(await vitest(process.execPath, [], ['--project', 'integration', ...attempts]));
  heading('the client, simulated');
  add(await vitest(process.execPath, [], ['--project', 'simulation']));
}
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
  for (const other of OTHER_MAJORS) await againstMajor(other, PER_MAJOR);
  heading('the packed packages, installed in an empty project');
  for (const { node, ok, output } of await smokeTest(ROOT, [...OTHER_NODES, process.versions.node])) {
    console.log(ok ? output.trim() : `FAILED on Node ${node}`);
    if (!ok) failures.push(`the packed packages on Node ${node}\n${output}`);
    add({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 });
  }
}
if (failures.length > 0) heading(`what failed\n\n${failures.join('\n\n')}`);
console.log(
  `\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

function majorIn(given: readonly string[]): { major: PostgresVersion | undefined; rest: readonly string[] } {
  const at = given.indexOf('--postgres');
  if (at === -1) return { major: undefined, rest: given };
  const text = given[at + 1] ?? '';
  const major = parseMajor(text);
  if (major === undefined) {
    console.error(`--postgres ${text}: not a version (allowed: ${POSTGRES_VERSIONS.join(', ')})`);
    process.exit(2);
  }
  return { major, rest: given.toSpliced(at, 2) };
}

async function againstMajor(major: PostgresVersion, files: readonly string[]): Promise<void> {
  heading(`on PostgreSQL ${major}`);
  const { ok, output } = await fetchMajor(ROOT, major);
  if (!ok) {
    failures.push(`PostgreSQL ${major} could not be fetched\n${output}`);
    add({ passed: 0, failed: 1, skipped: 0 });
    return;
  }
  const attempts = process.env['CI'] ? ['--retry=1'] : [];
  const vitestArgs = ['--project', 'integration', ...attempts, ...files];
  add(await vitest(process.execPath, [], vitestArgs, environmentOf(ROOT, major)));
}

async function vitest(
  program: string,
  before: readonly string[],
  vitestArgs: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Count> {
  const directory = await mkdtemp(join(tmpdir(), 'schooldb-test-'));
  try {
    const report = join(directory, 'report.json');
    const reporters = [
      '--reporter=default',
      `--reporter=${join(ROOT, 'scripts/unsteady-reporter.ts')}`,
      '--reporter=json',
      `--outputFile.json=${report}`,
    ];
    const { ok } = await runToEnd(program, [...before, VITEST, 'run', ...reporters, ...vitestArgs], {
      cwd: ROOT,
      env,
      show: true,
    });
    return await countOf(report, ok);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A run can fail without a failed test: a file that does not load, an error behind the last test. */
async function countOf(path: string, ok: boolean): Promise<Count> {
  const report = JSON.parse(await readFile(path, 'utf8').catch(() => '{}')) as Report;
  const told = failuresIn(report);
  if (told.length === 0 && !ok) told.push('the run itself failed outside of its tests: see its output above');
  failures.push(...told);
  const { numPassedTests: passed = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0 } = report;
  const failed = numFailedTests === 0 ? told.length : numFailedTests;
  return { passed, failed, skipped: numPendingTests + numTodoTests };
}

function failuresIn(report: Report): string[] {
  return (report.testResults ?? []).flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((each) => each.status === 'failed');
    const told = failed.map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join('\n')}`);
    if (status === 'failed' && (told.length === 0 || message !== '')) told.push(message);
    return told.map(
      (each) => `${name.replace(ROOT, '')}: ${each.split('\n').slice(0, LINES_TOLD).join('\n')}`,
    );
  });
}

function add(count: Count): void {
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
}

function heading(text: string): void {
  console.log(`\n--- ${text}`);
}
