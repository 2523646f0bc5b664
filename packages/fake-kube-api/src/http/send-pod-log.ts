import type { Api } from '../api/api.ts';
import { badRequest } from '../objects/api-error.ts';
import { recordsAt, textAt } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { Exchange } from './exchange.ts';
import type { LogQuery } from './pod-logs.ts';
import type { PodPrograms } from './pod-programs.ts';

/** Answers a request for a pod's log. One that follows ends with the pod. */
export function sendPodLog(exchange: Exchange, pod: KubeObject, { store }: Api, { logs }: PodPrograms): void {
  const { name = '', namespace = '', uid } = pod.metadata;
  const container = containerOf(pod, exchange.url.searchParams.get('container'));
  // What is on no node yet has written nothing, which is no error.
  if (textAt(pod, 'spec', 'nodeName') !== undefined && textAt(pod, 'status', 'phase') === 'Pending')
    throw badRequest(`container "${container}" in pod "${name}" is waiting to start: ContainerCreating`);
  const { response, url } = exchange;
  const key = `${namespace}/${name}`;
  const query = queryOf(url.searchParams);
  if (url.searchParams.get('follow') !== 'true') return exchange.sendText(200, logs.read(key, query));
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-cache, private' });
  response.flushHeaders();
  response.write(logs.read(key, query));
  const stopFollowing = logs.follow(key, {
    query,
    write: (text) => response.write(text),
    end: () => response.destroy(),
  });
  const stopListening = store.onChange(({ type, resource, object }) => {
    if (type === 'DELETED' && resource === '/pods' && object.metadata.uid === uid) response.end();
  });
  response.on('close', () => {
    stopFollowing();
    stopListening();
  });
}

function containerOf(pod: KubeObject, asked: string | null): string {
  const containers = recordsAt(pod, 'spec', 'containers').map((each) => textAt(each, 'name') ?? '');
  const { name = '' } = pod.metadata;
  if (asked === null && containers.length > 1) {
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]`,
    );
  }
  if (asked !== null && !containers.includes(asked))
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  return asked ?? containers[0] ?? '';
}

function queryOf(query: URLSearchParams): LogQuery {
  const tail = query.get('tailLines');
  const [seconds, time] = [query.get('sinceSeconds'), query.get('sinceTime')];
  if (seconds !== null && time !== null)
    throw badRequest('at most one of `sinceTime` or `sinceSeconds` may be specified');
  return {
    tailLines: tail === null ? undefined : Number(tail),
    sinceMs: since(seconds, time),
    timestamps: query.get('timestamps') === 'true',
  };
}

/** The server hands on whole seconds only. */
function since(seconds: string | null, time: string | null): number | undefined {
  if (seconds !== null) return Date.now() - Number(seconds) * 1_000;
  return time !== null ? Math.floor(Date.parse(time) / 1_000) * 1_000 : undefined;
}
