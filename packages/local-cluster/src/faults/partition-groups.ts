import { ClusterError } from '../errors.ts';
import type { FaultOptions } from './fault.ts';

const PARTITION_DEFAULTS = { groups: [['primary'], ['standbys']] } as const;

export interface ResolvedGroups {
  /** Servers by their names, `clients`, `control`. Undefined: reaches everybody. */
  groupOf: (member: string) => number | undefined;
  /** For people: `pg1 | pg2, pg3, control`. */
  text: string;
}

/**
 * Who hears whom under `partition`, with `primary` and `standbys` as they are now. Servers and control
 * that are in no group belong to the largest one; clients in none reach everybody.
 *
 * @throws ClusterError where a member is in two groups, or there is no such server.
 */
export function resolveGroups(
  groups: FaultOptions['groups'] = PARTITION_DEFAULTS.groups,
  { servers, primary }: { servers: readonly string[]; primary: string },
): ResolvedGroups {
  const named = groups.map((group) => group.map((member) => (member === 'primary' ? primary : member)));
  const byName = named.flat();
  // Who is named by name is not meant by `standbys` elsewhere.
  const standbys = servers.filter((server) => server !== primary && !byName.includes(server));
  const resolved = named.map((group) =>
    group.flatMap((member) => (member === 'standbys' ? standbys : [member])),
  );
  const twice = byName.find((member, index) => byName.indexOf(member) !== index);
  if (twice !== undefined) throw refused(`${twice} is named twice`, servers);
  const known = [...servers, 'clients', 'control'];
  const unknown = resolved.flat().find((member) => !known.includes(member));
  if (unknown !== undefined) throw refused(`there is no server ${unknown}`, servers);
  const empty = resolved.findIndex((group) => group.length === 0);
  if (empty !== -1) throw refused(`nobody is in its group ${empty + 1}`, servers);
  const largest = resolved.reduce((best, group) => (group.length > best.length ? group : best));
  const rest = [...servers, 'control'].filter((member) => !resolved.flat().includes(member));
  largest.push(...rest);
  return {
    groupOf: (member) => {
      const index = resolved.findIndex((group) => group.includes(member));
      return index === -1 ? undefined : index;
    },
    text: resolved.map((group) => group.join(', ')).join(' | '),
  };
}

function refused(why: string, servers: readonly string[]): ClusterError {
  return new ClusterError(
    'fault-failed',
    `partition: ${why} (servers: ${servers.join(', ')}; also primary, standbys, clients and control)`,
  );
}
