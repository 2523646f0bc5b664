import type { Lab } from './lab.ts';

/** What a lab may do, and should know of. */
export type LabWarning =
  | { readonly code: 'datastore-is-one-machine'; readonly host: string }
  | { readonly code: 'more-instances-than-nodes'; readonly instances: number; readonly nodes: number }
  | { readonly code: 'asynchronous' };

export function labWarnings({ profile, hosts, cluster }: Lab): LabWarning[] {
  const nodes = Object.values(hosts).filter(({ role }) => role !== 'services').length;
  const [services = ''] = Object.keys(hosts).filter((name) => hosts[name]?.role === 'services');
  const { instances } = cluster;
  const found: LabWarning[] = [];
  if (profile === 'external-postgres') found.push({ code: 'datastore-is-one-machine', host: services });
  if (instances > nodes) found.push({ code: 'more-instances-than-nodes', instances, nodes });
  if (!cluster.patroni.synchronous) found.push({ code: 'asynchronous' });
  return found;
}
