import type { Cluster, ClusterEvent, ClusterStatus } from '../cluster.ts';
import type { EndpointKind } from '../endpoint.ts';
import type { FaultName } from '../faults/fault.ts';

/** What a fault does, in a line. */
export const FAULT_TEXTS: Record<FaultName, string> = {
  'kill-primary': 'SIGKILL for all processes of the primary',
  'freeze-primary': 'SIGSTOP for all processes of the primary',
  'frozen-postmaster': 'SIGSTOP for the postmaster alone: open connections answer, new ones hang',
  'crash-backend': 'SIGKILL for one backend of the primary: crash recovery in place',
  restart: 'fast restart of the primary in place',
  switchover: 'planned hand-over to a standby, without delay',
  'cut-replication': 'standbys hear nothing from the primary any more',
  lag: 'standbys replay late',
  'disk-full': 'no room left on the file system of a server (start with --disk)',
  refuse: 'refuse new connections',
  reset_peer: 'reset open and new connections',
  blackhole: 'let nothing through, close nothing',
  latency: 'delay everything',
  bandwidth: 'let little through in a second',
  slicer: 'deliver in small pieces',
  limit_data: 'close a connection after so many bytes',
  partition: 'groups of members that do not hear each other: partition(pg1|pg2,pg3)',
  'two-masters': 'the master address leads to two servers',
  'stale-pooler': 'the master pooler stays on the demoted server',
  'cut-after-commit': 'a COMMIT gets through, its answer does not',
  'cut-at-message': 'cut at the n-th message of a connection',
  'kill-agent': "Patroni: SIGKILL for a server's agent alone",
  'freeze-agent': "Patroni: SIGSTOP for a server's agent alone",
  'lose-etcd': 'Patroni: etcd is away, and the primary demotes itself',
  'cut-etcd': 'Patroni: one server does not reach etcd',
  pause: 'Patroni: maintenance mode, nobody is promoted',
};

/** Name and URL of each address, ready to be pasted. */
export function addressLines(cluster: Pick<Cluster, 'endpoints' | 'connectionString'>): string[] {
  const kinds = Object.keys(cluster.endpoints) as EndpointKind[];
  return kinds.map((kind) => `  ${kind.padEnd(13)} ${cluster.connectionString(kind)}`);
}

export function welcomeLines(cluster: Cluster, name: string): string[] {
  const named = name === 'default' ? '' : ` --name ${name}`;
  const servers = cluster.servers.map((server) => `${server.name} ${server.host}:${server.port}`);
  return [
    '',
    ...addressLines(cluster),
    '',
    `  servers       ${servers.join('  ')}`,
    `  try           psql '${cluster.connectionString('master')}'`,
    `  break it      pnpm cluster fault kill-primary${named}      (pnpm cluster fault --list shows all)`,
    `  look at it    pnpm cluster status${named}`,
    '',
  ];
}

export function eventLine(event: ClusterEvent): string {
  const time = new Date(event.at).toISOString().slice(11, 23);
  return `${time}  ${event.type.padEnd(17)}  ${event.detail}`;
}

export function statusLines(status: ClusterStatus, now: number): string[] {
  const servers = table([
    ['server', 'address', 'state', 'role', 'timeline', 'lsn', 'connections'],
    ...status.servers.map((server) => [
      server.name,
      `${server.host}:${server.port}`,
      server.state,
      server.synchronous ? `${server.role} (synchronous)` : server.role,
      String(server.timeline ?? '-'),
      server.lsn ?? '-',
      String(server.connections),
    ]),
  ]);
  const addresses = table([
    ['address', '', 'leads to', 'connections'],
    ...status.virtualIps.map(({ kind, host, port, backends, connections }) => [
      kind,
      `${host}:${port}`,
      backends.join(', ') || 'nobody',
      String(connections),
    ]),
  ]);
  const faults = status.faults.map(
    ({ id, target, appliedAt }) => `fault ${id} on ${target}, for ${Math.round((now - appliedAt) / 1_000)} s`,
  );
  const blocked = status.blocked === null ? [] : [`no promotion: ${status.blocked}`];
  return [...servers, '', ...addresses, ...(faults.length > 0 ? ['', ...faults] : []), ...blocked];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
