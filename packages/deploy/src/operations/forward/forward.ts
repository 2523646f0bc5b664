/**
 * A port of this machine that leads into the cluster, through the Kubernetes API. For each connection the pod is looked
 * for anew, so that whoever connects after a failover gets to the new primary. What is open when a pod dies ends, as it
 * would at any address.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { DeployError } from '../../errors/deploy-error.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { PodChannels, PodName } from '../../kube/pod-channels.ts';
import { findPod } from './destinations.ts';
import type { Destination } from './destinations.ts';

/** Facts, as they happen. */
export type ForwardEvent =
  | { readonly type: 'listening'; readonly port: number }
  /** Told when it changes. */
  | { readonly type: 'pod:chosen'; readonly pod: PodName }
  /** A connection was closed because it leads nowhere. */
  | { readonly type: 'pod:missing'; readonly waitedMs: number }
  | { readonly type: 'connection:failed'; readonly error: unknown };

export interface ForwardOptions {
  readonly kube: KubeApi;
  readonly pods: PodChannels;
  readonly destination: Destination;
  /** 0 takes a free one. */
  readonly port: number;
  /** How long a connection waits for a pod. */
  readonly waitMs: number;
  readonly pollMs: number;
  readonly signal: AbortSignal;
  readonly report: (event: ForwardEvent) => void;
}

const LOOPBACK = '127.0.0.1';

/**
 * Until the signal is aborted; then everything is closed.
 *
 * @throws DeployError where the port cannot be listened on.
 */
export async function forward(options: ForwardOptions): Promise<void> {
  const { signal, port, report } = options;
  const open = new Set<Socket>();
  let chosen = '';
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    // The library has to have it first.
    socket.pause();
    void join(options, socket, (pod) => {
      if (pod.pod !== chosen) report({ type: 'pod:chosen', pod });
      chosen = pod.pod;
    });
  });
  try {
    await listen(server, port);
    report({ type: 'listening', port: (server.address() as AddressInfo).port });
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    server.close();
    for (const socket of open) socket.destroy();
  }
}

async function listen(server: Server, port: number): Promise<void> {
  try {
    server.listen(port, LOOPBACK);
    await once(server, 'listening');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new DeployError({ code: 'cannot-listen', port, reason }, { cause });
  }
}

async function join(
  options: ForwardOptions,
  socket: Socket,
  onChosen: (pod: PodName) => void,
): Promise<void> {
  const { pods, destination, signal, report, waitMs } = options;
  try {
    const pod = await podFor(options, socket);
    if (socket.destroyed) return;
    if (pod === undefined) report({ type: 'pod:missing', waitedMs: waitMs });
    else {
      onChosen(pod);
      await pods.forward(pod, destination.port, socket, signal);
    }
  } catch (error) {
    if (!signal.aborted) report({ type: 'connection:failed', error });
  } finally {
    socket.destroySoon();
  }
}

async function podFor(
  { kube, destination, waitMs, pollMs }: ForwardOptions,
  socket: Socket,
): Promise<PodName | undefined> {
  const startedAt = performance.now();
  for (;;) {
    const pod = await findPod(kube, destination);
    if (pod !== undefined || socket.destroyed || performance.now() - startedAt > waitMs) return pod;
    await kube.pause(pollMs);
  }
}
