#!/usr/bin/env node
/**
 * Runs a task of this repository with the pinned Node and pnpm: those of the machine where they fit, otherwise ones
 * that npm fetches once. Installs what the lockfile says where that has changed since. Plain JavaScript without
 * dependencies, because it must run on whatever Node there is.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const NODE = '26.10.0';
const PNPM = '12.21.0';
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STATE = join(ROOT, 'node_modules', '.schooldb');

const TASKS = {
  demo: ['node', 'packages/loadgen/src/demo-cli.ts'],
  loadgen: ['node', 'packages/loadgen/src/cli.ts'],
  bench: ['node', 'packages/loadgen/src/bench-cli.ts'],
  soak: ['node', 'packages/loadgen/src/soak-cli.ts'],
  cluster: ['node', 'packages/local-cluster/src/cli.ts'],
  'deploy:lab': ['node', 'packages/deploy/src/cli.ts'],
  'deploy:local': ['node', 'packages/deploy/src/cli.ts', 'local'],
  'check:crds': ['node', 'packages/deploy/scripts/check-crds.ts'],
  'test:cluster': ['node', 'packages/deploy/scripts/test-cluster.ts'],
  example: ['node', 'examples/launch/main.ts'],
  'example:klatab': ['node', 'examples/launch/main.ts', 'klatab'],
  'example:klatab:soak': ['node', 'examples/klatab/soak/main.ts'],
  simulate: ['node', 'packages/client/test/simulation/cli.ts'],
  test: ['node', 'scripts/test.ts'],
  check: ['node', 'scripts/check.ts'],
  build: ['node', 'scripts/build.ts'],
  format: ['node', 'node_modules/prettier/bin/prettier.cjs', '--write', '.'],
};

const [task, ...args] = process.argv.slice(2);
const command = TASKS[task];
if (command === undefined) {
  fail(`unknown task '${task ?? ''}': it must be one of ${Object.keys(TASKS).join(', ')}`, 2);
}
const path = findTools() ?? rememberedTools() ?? fetchTools();
install(path);
if (process.env.PATH !== path) remember(path);
run(command[0], [...command.slice(1), ...args], path);

/** The machine's own Node and pnpm, if they are what we need. */
function findTools() {
  const [major] = process.versions.node.split('.');
  if (Number(major) < Number(NODE.split('.')[0])) return undefined;
  return fits(process.env.PATH) ? process.env.PATH : undefined;
}

/** Those that were fetched before, found without asking npm again. */
function rememberedTools() {
  const file = join(STATE, `tools-${NODE}-${PNPM}`);
  if (!existsSync(file)) return undefined;
  const path = readFileSync(file, 'utf8') + delimiter + process.env.PATH;
  return fits(path) ? path : undefined;
}

function fetchTools() {
  process.stderr.write(
    `Fetching Node ${NODE} and pnpm ${PNPM} through npm (once; your own stay as they are) ...\n`,
  );
  const packages = ['-p', `node@${NODE}`, '-p', `pnpm@${PNPM}`];
  const npx = spawnSync('npx', ['-y', '--prefer-offline', ...packages, '-c', 'command -v pnpm'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pnpm = npx.stdout?.trim().split('\n').at(-1) ?? '';
  if (npx.status !== 0 || pnpm === '') {
    const reason = npx.error?.message ?? npx.stderr.trim();
    fail(
      `npm could not fetch Node ${NODE} and pnpm ${PNPM}:\n${reason}\nIs npm installed, and its registry in reach?`,
      1,
    );
  }
  return dirname(pnpm) + delimiter + process.env.PATH;
}

function remember(path) {
  mkdirSync(STATE, { recursive: true });
  writeFileSync(join(STATE, `tools-${NODE}-${PNPM}`), path.split(delimiter)[0]);
}

function fits(path) {
  return (
    major('pnpm', path) === Number(PNPM.split('.')[0]) && major('node', path) >= Number(NODE.split('.')[0])
  );
}

function major(tool, path) {
  const { stdout } = spawnSync(tool, ['--version'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
    cwd: '/',
  });
  return Number(/^v?(\d+)\./.exec(stdout ?? '')?.[1] ?? 0);
}

/** Installs unless the last install was of the same lockfile and the same manifests. */
function install(path) {
  const stamp = join(STATE, 'installed');
  const wanted = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write('Installing what pnpm-lock.yaml says ...\n');
  const env = { ...process.env, PATH: path };
  const { status, error } = spawnSync('pnpm', ['install', '--frozen-lockfile'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) fail(`pnpm install failed${error === undefined ? '' : `: ${error.message}`}`, 1);
  mkdirSync(STATE, { recursive: true });
  writeFileSync(stamp, wanted);
}

function fingerprint() {
  const manifests = ['packages', 'examples']
    .filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => join(folder, name, 'package.json')));
  const hash = createHash('sha256').update(`${NODE} ${PNPM} ${process.platform} ${process.arch}`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests]) {
    if (existsSync(join(ROOT, file))) hash.update(file).update(readFileSync(join(ROOT, file)));
  }
  return hash.digest('hex');
}

/** Hands over to the task. Signals reach it through the terminal or through us; its exit code becomes ours. */
function run(program, programArgs, path) {
  const child = spawn(program, programArgs, {
    cwd: ROOT,
    env: { ...process.env, PATH: path },
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to the task as well, which decides when to end.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${program} could not be started: ${error.message}`, 1));
  child.on('exit', (code, signal) =>
    process.exit(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0)),
  );
}

function fail(message, code) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}
