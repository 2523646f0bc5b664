/** What a path of the API asks for. */
export type PathInfo =
  | { readonly kind: 'versions' }
  | { readonly kind: 'groups' }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'resources'; readonly group: string; readonly version: string }
  | { readonly kind: 'plain'; readonly what: 'version' | 'health' }
  | ResourcePath
  | { readonly kind: 'unknown' };

export interface ResourcePath {
  readonly kind: 'resource';
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Empty for all namespaces, and for what has none. */
  readonly namespace: string;
  /** Empty for the collection. */
  readonly name: string;
  /** Empty for the object itself. */
  readonly subresource: string;
}

export function readPath(pathname: string): PathInfo {
  const parts = pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [first = '', ...rest] = parts;
  switch (first) {
    case 'api':
      if (rest.length === 0) return { kind: 'versions' };
      return resourcePath('', rest);
    case 'apis': {
      const [group, ...below] = rest;
      if (group === undefined) return { kind: 'groups' };
      return below.length === 0 ? { kind: 'group', group } : resourcePath(group, below);
    }
    case 'version':
      return { kind: 'plain', what: 'version' };
    case 'healthz':
    case 'livez':
    case 'readyz':
      return { kind: 'plain', what: 'health' };
    default:
      return { kind: 'unknown' };
  }
}

function resourcePath(group: string, [version = '', ...parts]: readonly string[]): PathInfo {
  if (parts.length === 0) return { kind: 'resources', group, version };
  // /namespaces/x/pods/y is inside of a namespace; /namespaces/x and /namespaces/x/status are about it.
  const isInside =
    parts[0] === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(parts[2] ?? '');
  const [plural = '', name = '', subresource = '', ...more] = isInside ? parts.slice(2) : parts;
  if (more.length > 0) return { kind: 'unknown' };
  const namespace = isInside ? (parts[1] ?? '') : '';
  return { kind: 'resource', group, version, plural, namespace, name, subresource };
}
