import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { randomInt } from 'node:crypto';
import { ClusterError } from '../errors.ts';

const HOST = '127.0.0.1';
const LOWEST = 10_240;
/** More than a cluster of eight servers takes, with a link from each to each. */
const BLOCK_SIZE = 256;

/**
 * Ports that no other cluster is given. A process claims a block of them for as long as it lives, by listening on the first: a
 * killed server or a virtual IP that refuses has nobody at its port for a while, and whoever took it meanwhile would be
 * met there as that server.
 *
 * They lie outside of the range from which the kernel takes ports for outgoing connections, any of which could keep the
 * number of a closed port for good.
 */
class PortBlock {
  readonly #first: number;
  readonly #given = new Set<number>();

  private constructor(first: number) {
    this.#first = first;
  }

  static async claim(): Promise<PortBlock> {
    const above = firstEphemeralPort();
    const blocks = Math.max(0, Math.floor((above - LOWEST) / BLOCK_SIZE));
    const start = blocks === 0 ? 0 : randomInt(blocks);
    for (let turn = 0; turn < blocks; turn += 1) {
      const first = LOWEST + ((start + turn) % blocks) * BLOCK_SIZE;
      // Kept open until the process ends, which it does not keep from ending.
      if ((await listenAt(first))?.unref() !== undefined) return new PortBlock(first);
    }
    throw new ClusterError(
      'environment',
      `no ${BLOCK_SIZE} ports in a row are left on ${HOST} from ${LOWEST} to ${above - 1}: end other clusters first`,
    );
  }

  /** One that nobody listens on, and that was never given before. */
  async next(): Promise<number> {
    for (let port = this.#first + 1; port < this.#first + BLOCK_SIZE; port += 1) {
      if (this.#given.has(port)) continue;
      this.#given.add(port);
      if (await isFree(port)) return port;
    }
    throw new ClusterError(
      'environment',
      `no free port is left on ${HOST} from ${this.#first} to ${this.#first + BLOCK_SIZE - 1}: end other programs first`,
    );
  }
}

/** This process's own: there is no part of it that could not meet another part at a port. */
let block: Promise<PortBlock> | undefined;

/**
 * A port on 127.0.0.1 that nobody listens on, and that is given to nobody else as long as this process lives.
 *
 * @throws ClusterError where none is left.
 */
export async function findFreePort(): Promise<number> {
  block ??= PortBlock.claim();
  return (await block).next();
}

function firstEphemeralPort(): number {
  try {
    const [first] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/);
    return Number(first) || 32_768;
  } catch {
    return 32_768; // macOS begins at 49152, older BSDs lower
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = await listenAt(port);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

function listenAt(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen({ host: HOST, port }, () => resolve(server));
  });
}
