import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { ClusterError } from '../../errors.ts';
import { lastWords, type Child, type Children } from '../../process/children.ts';
import { killTree } from '../../process/process-tree.ts';
import { waitFor } from '../../process/wait.ts';
import { makeServerDirectory, type Layout } from '../layout.ts';
import type { ClusterAddresses } from './addresses.ts';

const READY_WITHIN_MS = 30_000;
const ANSWER_MS = 1_000;
const NAME = 'etcd';

/**
 * The store in which Patroni's agents agree on who is primary: one etcd, over TLS in both directions,
 * since whoever can write to it decides what the agents run.
 */
export class Etcd {
  readonly #program: string;
  readonly #addresses: ClusterAddresses['etcd'];
  readonly #layout: Layout;
  readonly #children: Children;
  readonly #directory: string;
  readonly logFile: string;
  #child: Child | undefined;

  constructor(program: string, addresses: ClusterAddresses['etcd'], layout: Layout, children: Children) {
    this.#program = program;
    this.#addresses = addresses;
    this.#layout = layout;
    this.#children = children;
    this.#directory = layout.serverDirectory(NAME);
    this.logFile = join(this.#directory, 'log');
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Starts it, on what it held when it was killed, and resolves when it answers. */
  async start(signal?: AbortSignal): Promise<void> {
    if (this.#child !== undefined) return;
    await makeServerDirectory(this.#directory, this.#children.account);
    const child = await this.#children.spawn(this.#program, this.#arguments(), {
      cwd: this.#directory,
      logFile: this.logFile,
    });
    this.#child = child;
    void child.exited.then(() => {
      if (this.#child === child) this.#child = undefined;
    });
    const ready = await waitFor(
      async () => (this.#child !== child ? 'ended' : (await this.#isHealthy()) && 'ready'),
      { timeoutMs: READY_WITHIN_MS, everyMs: 25, signal },
    );
    if (ready === 'ready') return;
    await this.kill();
    throw new ClusterError('start-failed', `etcd does not start: ${lastWords(this.logFile)}`);
  }

  /** Returns when nothing of it is left but its data. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    await killTree(child, this.#directory);
  }

  #arguments(): string[] {
    const { client, peer } = this.#addresses;
    const url = ({ host, port }: typeof client) => `https://${host}:${port}`;
    const { caFile, certificateFile, keyFile } = this.#layout.control;
    return [
      `--name=${NAME}`,
      `--data-dir=${join(this.#directory, 'data')}`,
      `--listen-client-urls=${url(client)}`,
      `--advertise-client-urls=${url(client)}`,
      `--listen-peer-urls=${url(peer)}`,
      `--initial-advertise-peer-urls=${url(peer)}`,
      `--initial-cluster=${NAME}=${url(peer)}`,
      ...['', 'peer-'].flatMap((side) => [
        `--${side}cert-file=${certificateFile}`,
        `--${side}key-file=${keyFile}`,
        `--${side}trusted-ca-file=${caFile}`,
        `--${side}client-cert-auth`,
      ]),
      '--logger=zap',
      '--log-level=warn',
    ];
  }

  async #isHealthy(): Promise<boolean> {
    const { caFile, certificateFile, keyFile } = this.#layout.control;
    const [ca, cert, key] = await Promise.all(
      [caFile, certificateFile, keyFile].map((file) => readFile(file)),
    );
    const { host, port } = this.#addresses.client;
    return new Promise((resolve) => {
      const asking = request(
        { host, port, path: '/health', ca, cert, key, agent: false, timeout: ANSWER_MS },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode === 200);
        },
      );
      asking.once('timeout', () => asking.destroy());
      asking.once('error', () => resolve(false));
      asking.end();
    });
  }
}
