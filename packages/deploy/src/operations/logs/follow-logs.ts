/** The logs of several pods as they are written. Pods come and go; a log that broke off is taken up where it did. */
import { text } from 'node:stream/consumers';
import { DeployError } from '../../errors/deploy-error.ts';
import type { KubeConnection } from '../../kube/connection.ts';
import { refusalOf } from '../../kube/kube-api.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import { pathOf } from '../../kube/resource.ts';
import { linesOf, logLine } from './log-line.ts';
import { findLogPods } from './log-source.ts';
import type { LogPod, LogSource } from './log-source.ts';
import { logFailure, rangeQuery } from './read-logs.ts';
import type { LogRange, PodLine } from './read-logs.ts';

/** Facts, as they happen. */
export type FollowEvent =
  | ({ readonly type: 'line' } & PodLine)
  | { readonly type: 'pod:followed'; readonly pod: LogPod; readonly isNew: boolean }
  | { readonly type: 'pod:gone'; readonly pod: LogPod }
  /** It is tried again. Told once, until it has worked. */
  | { readonly type: 'trouble'; readonly error: DeployError };

export interface FollowOptions {
  readonly kube: KubeApi;
  readonly connection: KubeConnection;
  readonly source: LogSource;
  /** Of the pods that are there at the beginning; of those that come later, all is told. */
  readonly range: LogRange;
  readonly pollMs: number;
  readonly signal: AbortSignal;
  /** Before each look at the pods. */
  readonly refresh: () => Promise<void>;
  readonly report: (event: FollowEvent) => void;
}

interface Followed {
  pod: LogPod;
  readonly stopping: AbortController;
  readonly first: URLSearchParams;
  /** Of its last line; undefined before there was one. */
  lastAt: bigint | undefined;
  isOpen: boolean;
  isMissing: boolean;
}

/**
 * Until the signal is aborted.
 *
 * @throws DeployError where there is no pod at the beginning, or a log is refused; what the signal was aborted with.
 */
export async function followLogs(options: FollowOptions): Promise<never> {
  const { kube, source, pollMs, refresh, report } = options;
  const followed = new Map<string, Followed>();
  const failing = new AbortController();
  const troubles = new Set<string>();
  const trouble = (key: string, error: DeployError): void => {
    if (isFinal(error)) failing.abort(error);
    else if (!troubles.has(key)) report({ type: 'trouble', error });
    troubles.add(key);
  };
  try {
    for (let isFirst = true; ; isFirst = false) {
      try {
        await refresh();
        const pods = await findLogPods(kube, source);
        if (isFirst && pods.length === 0)
          throw new DeployError({ code: 'no-pods', what: source.name, namespace: source.namespace });
        troubles.delete('');
        meet(followed, pods, options, isFirst);
      } catch (error) {
        if (isFirst || !(error instanceof DeployError)) throw error;
        trouble('', error);
      }
      for (const each of followed.values()) {
        // Who is missing may have a successor of the same name, whose log is not to be told twice.
        if (each.isOpen || each.isMissing || (each.pod.isOver && each.lastAt !== undefined)) continue;
        each.isOpen = true;
        void follow(each, options, () => troubles.delete(each.pod.uid))
          .catch((error: unknown) => {
            if (!options.signal.aborted && !each.stopping.signal.aborted)
              trouble(each.pod.uid, asTrouble(error, options));
          })
          .finally(() => (each.isOpen = false));
      }
      await kube.pause(pollMs);
      failing.signal.throwIfAborted();
    }
  } finally {
    for (const { stopping } of followed.values()) stopping.abort();
  }
}

/** Takes in who is new, and lets go who has been missing twice: what it wrote last may still be on its way. */
function meet(
  followed: Map<string, Followed>,
  pods: readonly LogPod[],
  { range, report }: FollowOptions,
  isFirst: boolean,
): void {
  const there = new Map(pods.map((pod) => [pod.uid, pod]));
  for (const [uid, each] of followed) {
    if (there.has(uid)) continue;
    if (each.isMissing) {
      each.stopping.abort();
      followed.delete(uid);
      report({ type: 'pod:gone', pod: each.pod });
    }
    each.isMissing = true;
  }
  for (const [uid, pod] of there) {
    const known = followed.get(uid);
    if (known !== undefined) {
      known.pod = pod;
      known.isMissing = false;
      continue;
    }
    const whole = new URLSearchParams({ container: pod.container, timestamps: 'true' });
    const first = isFirst ? rangeQuery(pod, range) : whole;
    const stopping = new AbortController();
    followed.set(uid, { pod, stopping, first, lastAt: undefined, isOpen: false, isMissing: false });
    report({ type: 'pod:followed', pod, isNew: !isFirst });
  }
}

async function follow(
  followed: Followed,
  { connection, signal, report }: FollowOptions,
  onOpen: () => void,
): Promise<void> {
  const { pod, stopping, first, lastAt } = followed;
  const resource = { kind: 'Pod', namespace: pod.namespace, name: pod.name } as const;
  const query = new URLSearchParams(lastAt === undefined ? first : resumed(pod, lastAt));
  query.set('follow', 'true');
  const path = `${pathOf(resource)}/log?${query.toString()}`;
  const response = await connection.stream(
    { method: 'GET', path },
    AbortSignal.any([signal, stopping.signal]),
  );
  if (response.statusCode !== 200) {
    const refusal = refusalOf(resource, { status: response.statusCode ?? 0, body: await text(response) });
    if (refusal.details.status === 404) return;
    throw logFailure(pod, refusal);
  }
  onOpen();
  response.setEncoding('utf8');
  for await (const each of linesOf(response as AsyncIterable<string>)) {
    const line = logLine(each);
    // The server knows whole seconds only, and gives again what was there.
    if (lastAt !== undefined && line.at <= lastAt) continue;
    followed.lastAt = line.at;
    report({ type: 'line', pod, line });
  }
}

function resumed({ container }: LogPod, lastAt: bigint): URLSearchParams {
  const sinceTime = new Date(Number(lastAt / 1_000_000n)).toISOString();
  return new URLSearchParams({ container, timestamps: 'true', sinceTime });
}

function isFinal({ failure }: DeployError): boolean {
  return failure.code === 'log-refused' && (failure.status === 401 || failure.status === 403);
}

/** A connection that was cut, by whichever end. */
function asTrouble(error: unknown, { connection }: FollowOptions): DeployError {
  if (error instanceof DeployError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const { server } = connection;
  return new DeployError({ code: 'kube-unreachable', server, reason: code ?? message, attempts: 1 });
}
