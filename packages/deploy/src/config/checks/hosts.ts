import type { LabDraft } from '../lab.ts';
import { problem } from '../problem.ts';
import type { Problem } from '../problem.ts';

export function checkHosts(draft: LabDraft): Problem[] {
  const hosts = Object.values(draft.hosts ?? {});
  // Of a host whose role cannot be read nobody knows whether it is the one that is missing.
  if (draft.hosts === undefined || hosts.some((host) => host?.role === undefined)) return [];
  const servers = hosts.filter((host) => host?.role === 'server').length;
  const services = hosts.filter((host) => host?.role === 'services').length;
  const found: Problem[] = [];
  if (servers === 0) found.push(problem('no-server', ['hosts'], {}));
  else if (draft.profile === 'embedded-etcd' && (servers < 3 || servers % 2 === 0))
    found.push(problem('servers-for-etcd', ['hosts'], { count: servers }));
  if (services !== 1) found.push(problem('one-services-host', ['hosts'], { count: services }));
  return found;
}

export function checkAddons(draft: LabDraft): Problem[] {
  const { addons, charts, cluster } = draft;
  const found: Problem[] = [];
  const containers = nodesOn(draft, ['lxc-privileged', 'lxc-unprivileged']);
  if (addons?.longhorn === true && containers.length > 0)
    found.push(problem('longhorn-on-lxc', ['addons', 'longhorn'], { hosts: containers }));
  if (addons?.longhorn === false && cluster?.volume?.storageClass === 'longhorn')
    found.push(problem('longhorn-not-installed', ['cluster', 'volume', 'storageClass'], {}));
  const unprivileged = nodesOn(draft, ['lxc-unprivileged']);
  if (addons?.smb !== undefined && unprivileged.length > 0)
    found.push(problem('smb-on-unprivileged-lxc', ['addons', 'smb'], { hosts: unprivileged }));
  if (charts?.source === 'directory' && charts.directory === undefined)
    found.push(problem('charts-without-directory', ['charts', 'directory'], {}));
  if (charts?.source === 'repository' && charts.directory !== undefined)
    found.push(problem('charts-directory-unused', ['charts', 'directory'], {}));
  return found;
}

/** The hosts of the Kubernetes cluster that are on one of these platforms. */
function nodesOn(draft: LabDraft, platforms: readonly string[]): string[] {
  return Object.entries(draft.hosts ?? {})
    .filter(([, host]) => host?.role !== 'services' && platforms.includes(host?.platform ?? ''))
    .map(([name]) => name);
}
