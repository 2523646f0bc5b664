/** What goes into a pod and comes out of it: commands and connections, over WebSockets. */
import { Writable, Readable } from 'node:stream';
import type { Socket } from 'node:net';
import { Exec, PortForward } from '@kubernetes/client-node';
import type { KubeConfig, V1Status } from '@kubernetes/client-node';
import { DeployError } from '../errors/deploy-error.ts';

export interface PodName {
  readonly namespace: string;
  readonly pod: string;
}

export interface CommandOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The part of a WebSocket that is used here; the library's types name a package that is not ours. */
interface Channel {
  readonly readyState: number;
  pause(): void;
  resume(): void;
  close(): void;
  terminate(): void;
  on(event: 'close', listener: () => void): void;
}

/** From here on it is closing, or closed. */
const CLOSING = 2;

export class PodChannels {
  readonly #config: KubeConfig;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /**
   * Runs a command in a container, to its end.
   *
   * @param command - program and arguments; nothing in them is interpreted. Never a secret: others can read them there.
   * @throws DeployError where the server refuses, or the connection ends before the command; what the signal was aborted
   * with. The command may go on then.
   */
  async exec(
    { namespace, pod }: PodName,
    container: string,
    { command, input = '' }: { readonly command: readonly string[]; readonly input?: string },
    signal: AbortSignal,
  ): Promise<CommandOutcome> {
    const [stdout, stderr] = [new Kept(), new Kept()];
    const ended = Promise.withResolvers<V1Status | undefined>();
    const abort = (): void => ended.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    let opening: Promise<Channel> | undefined;
    try {
      signal.throwIfAborted();
      opening = new Exec(this.#config).exec(
        namespace,
        pod,
        container,
        [...command],
        stdout,
        stderr,
        input === '' ? null : Readable.from([input]),
        false,
        (status) => ended.resolve(status),
      ) as unknown as Promise<Channel>;
      const channel = await Promise.race([opening, ended.promise.then(() => undefined)]);
      channel?.on('close', () => ended.resolve(undefined));
      if ((channel?.readyState ?? 0) >= CLOSING) ended.resolve(undefined);
      const status = await ended.promise;
      if (status === undefined) throw new Error('the connection ended before the command');
      return { exitCode: exitCodeOf(status), stdout: stdout.text, stderr: stderr.text };
    } catch (error) {
      signal.throwIfAborted();
      throw refused(namespace, pod, 'exec', error);
    } finally {
      signal.removeEventListener('abort', abort);
      // Also one that comes too late.
      void opening?.then((channel) => channel.terminate()).catch(() => {});
    }
  }

  /**
   * Joins a connection to a port of a pod, as `kubectl port-forward` does.
   *
   * @param socket - paused, so that nothing of it is lost before there is a way.
   * @param signal - cuts it.
   * @returns once either side has ended it.
   * @throws DeployError where it does not come about.
   */
  async forward(
    { namespace, pod }: PodName,
    port: number,
    socket: Socket,
    signal: AbortSignal,
  ): Promise<void> {
    let channel: Channel | undefined;
    // The library writes what arrives without asking whether there is room.
    const output = new Writable({
      write(chunk: Buffer, _, done) {
        if (!socket.destroyed && !socket.write(chunk)) {
          channel?.pause();
          socket.once('drain', () => channel?.resume());
        }
        done();
      },
    });
    try {
      channel = (await new PortForward(this.#config).portForward(
        namespace,
        pod,
        [port],
        output,
        null,
        socket,
      )) as unknown as Channel;
    } catch (error) {
      throw refused(namespace, pod, 'portforward', error);
    }
    // It was held until somebody listens.
    socket.resume();
    await untilEnded(channel, socket, signal);
    socket.end();
  }
}

async function untilEnded(channel: Channel, socket: Socket, signal: AbortSignal): Promise<void> {
  const terminate = (): void => channel.terminate();
  signal.addEventListener('abort', terminate, { once: true });
  await new Promise<void>((resolve) => {
    channel.on('close', resolve);
    // What was written before is still sent.
    socket.on('close', () => channel.close());
    if (socket.destroyed) channel.close();
    if (channel.readyState >= CLOSING) resolve();
  });
  signal.removeEventListener('abort', terminate);
}

/** Keeps what is written to it. */
class Kept extends Writable {
  readonly #chunks: Buffer[] = [];

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk));
    done();
  }
}

/** Where a command failed, its code is in words among the causes. */
function exitCodeOf({ status, details }: V1Status): number {
  if (status === 'Success') return 0;
  const cause = details?.causes?.find(({ reason }) => reason === 'ExitCode');
  return Number(cause?.message ?? 1);
}

function refused(namespace: string, pod: string, what: 'exec' | 'portforward', error: unknown): DeployError {
  const { message = String(error) } = (error ?? {}) as { message?: string };
  return new DeployError({ code: 'pod-refused', namespace, pod, what, reason: message }, { cause: error });
}
