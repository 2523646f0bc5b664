import type { Api } from '../api/api.ts';
import type { Target } from '../api/ground.ts';
import { PATCH_TYPES } from '../api/patch.ts';
import {
  forbidden,
  invalid,
  methodNotAllowed,
  notFound,
  pathNotFound,
  unsupportedMediaType,
} from '../objects/api-error.ts';
import type { ResourceType } from '../kinds/resource-type.ts';
import type { Exchange } from './exchange.ts';
import { sendPodLog } from './send-pod-log.ts';
import type { PodPrograms } from './pod-programs.ts';
import { deleteOptions, listQuery, writeOptions } from './query.ts';
import type { Verb } from './request-log.ts';
import type { ResourcePath } from './request-info.ts';
import type { Watches } from './watch.ts';

/** Which verb a request is, as audit logs and RBAC name it. */
export function verbOf({ method, url, contentType }: Exchange, { name }: ResourcePath): Verb {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return contentType === 'application/apply-patch+yaml' ? 'apply' : 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    default: {
      const watch = url.searchParams.get('watch');
      if (watch === 'true' || watch === '1') return 'watch';
      return name === '' ? 'list' : 'get';
    }
  }
}

/** Answers requests for resources. */
export class ResourceHandler {
  readonly #api: Api;
  readonly #watches: Watches;
  readonly #pods: PodPrograms;

  constructor(api: Api, watches: Watches, pods: PodPrograms) {
    this.#api = api;
    this.#watches = watches;
    this.#pods = pods;
  }

  handle(exchange: Exchange, path: ResourcePath, body: unknown): void {
    const type = this.#api.registry.find(path.group, path.version, path.plural);
    // A kind whose definition is not there is a path that does not exist, which is answered in plain text.
    if (type === undefined || (path.namespace !== '' && !type.namespaced)) throw pathNotFound();
    if (path.subresource === 'log' && type.plural === 'pods') return this.#sendLog(exchange, type, path);
    const target = targetOf(type, path);
    const query = exchange.url.searchParams;
    switch (verbOf(exchange, path)) {
      case 'get':
        return exchange.send(200, this.#api.get(target));
      case 'list':
        return exchange.send(200, this.#api.list(type, path.namespace, listQuery(query)));
      case 'watch':
        return this.#watch(exchange, type, path);
      case 'create': {
        if (path.name !== '') throw methodNotAllowed();
        const options = this.#writeOptions(exchange, 'CreateOptions');
        return exchange.send(201, this.#api.create(target, body, options));
      }
      case 'update':
        return exchange.send(
          200,
          this.#api.replace(target, body, this.#writeOptions(exchange, 'UpdateOptions')),
        );
      case 'patch':
      case 'apply':
        return this.#patch(exchange, target, body);
      case 'delete':
        return exchange.send(200, this.#api.delete(target, deleteOptions(query, body)));
      case 'deletecollection': {
        const options = deleteOptions(query, body);
        return exchange.send(200, this.#api.deleteAll(type, path.namespace, listQuery(query), options));
      }
    }
  }

  #writeOptions(exchange: Exchange, kind: string) {
    return writeOptions(
      exchange.url.searchParams,
      exchange.userAgent,
      (warning) => exchange.warn(warning),
      kind,
    );
  }

  #patch(exchange: Exchange, target: Target, body: unknown): void {
    const kind = PATCH_TYPES[exchange.contentType];
    if (kind === undefined) throw unsupportedMediaType(Object.keys(PATCH_TYPES));
    const options = this.#writeOptions(exchange, 'PatchOptions');
    const query = exchange.url.searchParams;
    if (kind !== 'apply') {
      if (query.has('force'))
        throw badPatchOption(
          'FieldValueForbidden',
          'force',
          'Forbidden: may not be specified for non-apply patch',
        );
      return exchange.send(200, this.#api.patch(target, kind, body, options));
    }
    if ((query.get('fieldManager') ?? '') === '') {
      throw badPatchOption(
        'FieldValueRequired',
        'fieldManager',
        'Required value: is required for apply patch',
      );
    }
    const { object, created } = this.#api.apply(target, body, {
      ...options,
      force: query.get('force') === 'true',
    });
    exchange.send(created ? 201 : 200, object);
  }

  #watch(exchange: Exchange, type: ResourceType, path: ResourcePath): void {
    const query = exchange.url.searchParams;
    const timeout = query.get('timeoutSeconds');
    const list = listQuery(query);
    const byName = path.name === '' ? list.fieldSelector : `metadata.name=${path.name}`;
    this.#watches.open(exchange, type, path.namespace, {
      ...list,
      fieldSelector: byName,
      allowWatchBookmarks: query.get('allowWatchBookmarks') === 'true',
      sendInitialEvents: query.get('sendInitialEvents') === 'true',
      timeoutSeconds: timeout === null ? undefined : Number(timeout),
    });
  }

  #sendLog(exchange: Exchange, type: ResourceType, path: ResourcePath): void {
    const pod = this.#api.get(targetOf(type, { ...path, subresource: '' }));
    if (this.#pods.forbidden.has('log')) throw forbidden(type, path.name, 'the user may not do that');
    sendPodLog(exchange, pod, this.#api, this.#pods);
  }
}

function targetOf(type: ResourceType, { namespace, name, subresource }: ResourcePath): Target {
  if (subresource === '') return { type, namespace, name };
  if (subresource === 'status' && type.statusSubresource) return { type, namespace, name, subresource };
  throw type.builtIn ? notFound(type, name) : pathNotFound();
}

function badPatchOption(
  reason: 'FieldValueForbidden' | 'FieldValueRequired',
  field: string,
  message: string,
): Error {
  return invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [{ reason, field, message }]);
}
