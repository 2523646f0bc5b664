import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';
import { ClusterError } from '../errors.ts';

const LOWEST = 10_240;
const ATTEMPTS = 200;

/**
 * A port on 127.0.0.1 that nobody listens on, outside the range from which the kernel takes ports
 * for outgoing connections.
 *
 * Binding port 0 would give one inside that range: while a killed server or a closed virtual IP is
 * down for a second, any connection of a busy client could take its number for good.
 */
export async function findFreePort(taken: ReadonlySet<number> = new Set()): Promise<number> {
  const above = firstEphemeralPort();
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = above > LOWEST + 1_000 ? randomInt(LOWEST, above) : 0;
    const free = taken.has(port) ? undefined : await tryPort(port);
    if (free !== undefined && !taken.has(free)) return free;
  }
  throw new ClusterError(
    'environment',
    `no free port on 127.0.0.1 from ${LOWEST} to ${above - 1}: end other programs first`,
  );
}

function firstEphemeralPort(): number {
  try {
    const [first] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/);
    return Number(first) || 32_768;
  } catch {
    return 32_768; // macOS begins at 49152, older BSDs lower
  }
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host: '127.0.0.1', port }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
