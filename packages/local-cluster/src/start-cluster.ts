import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster, ClusterEvent } from './cluster.ts';
import { ControlClient } from './control/control-client.ts';
import { checkName, DEFAULT_NAME, findByName } from './control/name-file.ts';
import { RemoteCluster } from './control/remote-cluster.ts';
import { controlSocketIn } from './control/socket-path.ts';
import { ClusterError, messageOf } from './errors.ts';
import { resolveOptions, type ClusterOptions, type ResolvedOptions } from './options.ts';
import { nodeEnvironment } from './process/environment.ts';

/** Enough for a stack trace. */
const LAST_WORDS = 4_096;

export interface StartOptions extends ClusterOptions {
  /**
   * Under which `connectCluster()` and `pnpm cluster` find it while it runs, `pnpm cluster fault` for one. 1 to 32
   * letters, digits, `_` and `-`. @defaultValue none: only this process reaches it
   */
  name?: string;
}

export interface LaunchOptions extends Pick<StartOptions, 'name'> {
  /** It goes on when this process ends. */
  detach?: boolean;
  /** Hears everything from the first step on. */
  onEvent?: (event: ClusterEvent) => void;
}

/**
 * Starts real PostgreSQL servers with replication behind virtual IPs, in processes of their own, and
 * resolves when every standby follows. The cluster is stopped and its data removed by `stop()`, and by
 * the end of this process, however that comes.
 *
 * @throws ClusterError with one clear line when an option is out of range or the start fails; nothing is left then.
 */
export function startCluster({ name, ...options }: StartOptions = {}): Promise<Cluster> {
  return launchCluster(options, name === undefined ? {} : { name });
}

/**
 * Connects to a cluster that was started with a name, by `pnpm cluster start`. `disconnect()` leaves
 * it running, `stop()` and leaving an `await using` block stop it.
 *
 * @throws ClusterError when no cluster of that name is running.
 */
export async function connectCluster(name: string = DEFAULT_NAME): Promise<Cluster> {
  const entry = await findByName(checkName(name));
  const control =
    entry === undefined ? undefined : await ControlClient.connect(entry.socket).catch(() => undefined);
  if (control === undefined) {
    throw new ClusterError(
      'no-cluster',
      `no cluster named ${name} is running: start one with pnpm cluster start`,
    );
  }
  try {
    return new RemoteCluster(control, await control.request('facts', null), { owned: false });
  } catch (error) {
    control.close();
    throw error;
  }
}

/** What `startCluster()` and the command line have in common. */
export async function launchCluster(options: ClusterOptions, launch: LaunchOptions = {}): Promise<Cluster> {
  const resolved = resolveOptions(options);
  const { signal } = options;
  signal?.throwIfAborted();
  if (launch.name !== undefined) checkName(launch.name);
  const directory = await makeDirectory(resolved);
  const supervisor = spawnSupervisor();
  const ended = new Promise<void>((resolve) => supervisor.once('exit', () => resolve()));
  try {
    supervisor.send({ directory, options: resolved, name: launch.name, detach: launch.detach ?? false });
    const lastWords = keepLastWords(supervisor);
    await listening(supervisor, lastWords);
    const control = await ControlClient.connect(controlSocketIn(directory), lastWords);
    const abort = () => control.close();
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    if (launch.onEvent !== undefined) control.on(launch.onEvent);
    const facts = await control.request('facts', null);
    signal?.removeEventListener('abort', abort);
    // Until here the channel was its second lifeline; now the control connection is the only one.
    supervisor.disconnect();
    supervisor.unref();
    const untilEnded = () => {
      supervisor.ref();
      return ended;
    };
    return new RemoteCluster(control, facts, { owned: launch.detach !== true, untilEnded });
  } catch (error) {
    // It cleans up by itself and then ends; only one that never listened leaves that to us.
    await ended;
    await rm(directory, { recursive: true, force: true });
    signal?.throwIfAborted();
    throw error;
  }
}

async function makeDirectory({ dataDirectory }: ResolvedOptions): Promise<string> {
  const place = await stat(dataDirectory).catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown');
  const refuse = (why: string) =>
    new ClusterError(
      'bad-option',
      `option dataDirectory: ${dataDirectory} ${why} (allowed: an existing directory in which the cluster can make its own)`,
    );
  if (typeof place === 'string') throw refuse(`can't be used (${place})`);
  if (!place.isDirectory()) throw refuse('is not a directory');
  if ((await readdir(dataDirectory)).includes('PG_VERSION'))
    throw refuse("is a PostgreSQL server's data, which is not ours to touch");
  const longest = join(dataDirectory, 'schooldb-XXXXXX');
  controlSocketIn(longest);
  try {
    return await mkdtemp(join(dataDirectory, 'schooldb-'));
  } catch (error) {
    throw refuse(`takes no directory of ours: ${messageOf(error)}`);
  }
}

function spawnSupervisor(): ChildProcess {
  const script = new URL(`supervisor/main${extname(import.meta.url)}`, import.meta.url);
  return spawn(process.execPath, [fileURLToPath(script)], {
    // A group of its own: Ctrl-C in a terminal is for the owner, who stops the cluster in order.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: nodeEnvironment(),
  });
}

/** Resolves when the supervisor can be connected to; rejects with its last words when it ends before. */
async function listening(supervisor: ChildProcess, lastWords: () => string): Promise<void> {
  const failed = once(supervisor, 'close').then(() => {
    throw new ClusterError(
      'start-failed',
      `the supervisor did not start: ${lastWords() || 'it ended without a word'}`,
    );
  });
  await Promise.race([once(supervisor, 'message'), failed]);
}

/** What a supervisor complains of before it crashes; it is silent otherwise. */
function keepLastWords({ stderr }: ChildProcess): () => string {
  let tail = '';
  stderr?.on('data', (chunk: Buffer) => (tail = (tail + chunk.toString()).slice(-LAST_WORDS)));
  // It must not hold this process up.
  (stderr as Socket | null)?.unref();
  return () =>
    tail
      .split('\n')
      .find((line) => /error/i.test(line))
      ?.trim() ??
    tail.trim().split('\n').at(-1) ??
    '';
}
