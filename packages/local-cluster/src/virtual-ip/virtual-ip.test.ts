import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Address } from '../endpoint.ts';
import { findFreePort } from '../process/ports.ts';
import { waitFor } from '../process/wait.ts';
import { seededRandom } from '../random.ts';
import { VirtualIp } from './virtual-ip.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** A backend that says its name first and then repeats what it hears; it keeps its sockets for the test. */
async function makeBackend(name: string) {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write(`${name}\n`);
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('end', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { name, host: '127.0.0.1', port, sockets };
}

async function makeVirtualIp(): Promise<VirtualIp> {
  const virtualIp = new VirtualIp('master', { host: '127.0.0.1', port: await findFreePort() });
  cleanUps.push(() => virtualIp.close());
  return virtualIp;
}

/** A client that remembers what it heard and how it ended. */
function dial(address: Address) {
  const socket = connect({ ...address, allowHalfOpen: true });
  const client = { socket, heard: '', ended: false, error: undefined as string | undefined };
  socket.on('data', (bytes) => (client.heard += bytes.toString()));
  socket.on('end', () => (client.ended = true));
  socket.on('error', (error: NodeJS.ErrnoException) => (client.error = error.code));
  cleanUps.push(() => socket.destroy());
  return client;
}

async function until(condition: () => boolean): Promise<void> {
  expect(await waitFor(condition, { timeoutMs: 10_000, everyMs: 5 })).toBe(true);
}

describe('VirtualIp', () => {
  it('gives each new connection the next backend', async () => {
    const virtualIp = await makeVirtualIp();
    await virtualIp.setBackends([await makeBackend('pg2'), await makeBackend('pg3')]);
    const clients = [dial(virtualIp.address), dial(virtualIp.address), dial(virtualIp.address)];
    await until(() => clients.every(({ heard }) => heard !== ''));
    expect(clients.map(({ heard }) => heard).toSorted()).toHaveLength(3);
    expect(new Set(clients.map(({ heard }) => heard))).toEqual(new Set(['pg2\n', 'pg3\n']));
  });

  it('leaves open connections where they are when the backends change', async () => {
    const virtualIp = await makeVirtualIp();
    await virtualIp.setBackends([await makeBackend('old')]);
    const before = dial(virtualIp.address);
    await until(() => before.heard === 'old\n');
    await virtualIp.setBackends([await makeBackend('new')]);
    const after = dial(virtualIp.address);
    before.socket.write('still here');
    await until(() => after.heard === 'new\n' && before.heard === 'old\nstill here');
    expect(virtualIp.connectionsTo('old')).toBe(1);
    expect(virtualIp.connectionsTo('new')).toBe(1);
  });

  it('refuses without a backend, and keeps what is open', async () => {
    const virtualIp = await makeVirtualIp();
    await virtualIp.setBackends([await makeBackend('pg1')]);
    const open = dial(virtualIp.address);
    await until(() => open.heard === 'pg1\n');
    await virtualIp.setBackends([]);
    const refused = dial(virtualIp.address);
    await until(() => refused.error === 'ECONNREFUSED');
    open.socket.write('x');
    await until(() => open.heard === 'pg1\nx');
  });

  it('passes an end on as an end, in both directions', async () => {
    const virtualIp = await makeVirtualIp();
    await virtualIp.setBackends([await makeBackend('pg1')]);
    const client = dial(virtualIp.address);
    client.socket.end('last words');
    await until(() => client.ended);
    expect(client.heard).toBe('pg1\nlast words');
    expect(client.error).toBeUndefined();
    await until(() => virtualIp.status().connections === 0);
  });

  it('passes a reset on as a reset, in both directions', async () => {
    const virtualIp = await makeVirtualIp();
    const backend = await makeBackend('pg1');
    await virtualIp.setBackends([backend]);
    const [first, second] = [dial(virtualIp.address), dial(virtualIp.address)];
    await until(() => first.heard !== '' && second.heard !== '');
    const errors: (string | undefined)[] = [];
    for (const socket of backend.sockets)
      socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
    first.socket.resetAndDestroy();
    await until(() => errors.includes('ECONNRESET'));
    backend.sockets.find((socket) => !socket.destroyed)?.resetAndDestroy();
    await until(() => second.error === 'ECONNRESET');
    await until(() => virtualIp.status().connections === 0);
  });

  it('reads no faster than the backend takes', async () => {
    const virtualIp = await makeVirtualIp();
    const backend = await makeBackend('pg1');
    await virtualIp.setBackends([backend]);
    const client = dial(virtualIp.address);
    await until(() => client.heard !== '');
    for (const socket of backend.sockets) socket.removeAllListeners('data').pause();
    const chunk = Buffer.alloc(1_048_576);
    let written = 0;
    // Socket buffers on loopback hold some megabytes; a forwarder without back-pressure takes all of it.
    for (let count = 0; count < 64; count += 1) client.socket.write(chunk, () => (written += 1));
    let steady = 0;
    let last = -1;
    await until(() => {
      steady = written === last ? steady + 1 : 0;
      last = written;
      return steady > 100;
    });
    expect(written).toBeLessThan(48);
  });

  it('holds everything back in a black hole and delivers it afterwards', async () => {
    const virtualIp = await makeVirtualIp();
    await virtualIp.setBackends([await makeBackend('pg1')]);
    const open = dial(virtualIp.address);
    await until(() => open.heard === 'pg1\n');
    await virtualIp.addFault('hole', { name: 'blackhole', direction: 'upstream' });
    open.socket.write('a');
    const fresh = dial(virtualIp.address);
    // Downstream is open: the greeting of the backend gets through to the new connection.
    await until(() => fresh.heard === 'pg1\n');
    fresh.socket.write('b');
    const witness = await makeVirtualIp();
    await witness.setBackends([await makeBackend('witness')]);
    const proof = dial(witness.address);
    proof.socket.write('round trip');
    await until(() => proof.heard === 'witness\nround trip');
    expect(open.heard).toBe('pg1\n');
    await virtualIp.removeFault('hole');
    await until(() => open.heard === 'pg1\na' && fresh.heard === 'pg1\nb');
  });

  it('accepts a new connection into a black hole without a word', async () => {
    const virtualIp = await makeVirtualIp();
    await virtualIp.setBackends([await makeBackend('pg1')]);
    await virtualIp.addFault('hole', { name: 'blackhole', direction: 'both' });
    const client = dial(virtualIp.address);
    await until(() => virtualIp.status().connections === 1);
    expect(client).toMatchObject({ heard: '', ended: false, error: undefined });
    await virtualIp.removeFault('hole');
    await until(() => client.heard === 'pg1\n');
  });

  it('delays in both directions and keeps the order under jitter', async () => {
    const virtualIp = await makeVirtualIp();
    await virtualIp.setBackends([await makeBackend('pg1')]);
    const client = dial(virtualIp.address);
    await until(() => client.heard === 'pg1\n');
    await virtualIp.addFault('slow', { name: 'latency', direction: 'both', latencyMs: 60, jitterMs: 55 });
    const expected = Array.from({ length: 50 }, (_, index) => `${index};`).join('');
    const began = performance.now();
    for (let index = 0; index < 50; index += 1) {
      client.socket.write(`${index};`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => client.heard.length >= 4 + expected.length);
    expect(client.heard).toBe(`pg1\n${expected}`);
    expect(performance.now() - began).toBeGreaterThan(60);
    await virtualIp.removeFault('slow');
  });

  it('resets open connections, and new ones once they are accepted', async () => {
    const virtualIp = await makeVirtualIp();
    await virtualIp.setBackends([await makeBackend('pg1')]);
    const open = dial(virtualIp.address);
    await until(() => open.heard === 'pg1\n');
    await virtualIp.addFault('reset', { name: 'reset_peer' });
    await until(() => open.error === 'ECONNRESET');
    const fresh = dial(virtualIp.address);
    await until(() => fresh.error === 'ECONNRESET');
    await virtualIp.removeFault('reset');
    const after = dial(virtualIp.address);
    await until(() => after.heard === 'pg1\n');
  });

  it('refuses new connections only, as long as any fault says so', async () => {
    const virtualIp = await makeVirtualIp();
    await virtualIp.setBackends([await makeBackend('pg1')]);
    const open = dial(virtualIp.address);
    await until(() => open.heard === 'pg1\n');
    await virtualIp.addFault('one', { name: 'refuse' });
    await virtualIp.addFault('two', { name: 'refuse' });
    await virtualIp.removeFault('one');
    const refused = dial(virtualIp.address);
    await until(() => refused.error === 'ECONNREFUSED');
    open.socket.write('x');
    await until(() => open.heard === 'pg1\nx');
    await virtualIp.removeFault('two');
    const after = dial(virtualIp.address);
    await until(() => after.heard === 'pg1\n');
  });

  describe('with a second backend', () => {
    /** How each of some connections, opened one after the other, is answered. */
    async function answers(virtualIp: VirtualIp, count: number): Promise<string[]> {
      const found: string[] = [];
      for (let index = 0; index < count; index += 1) {
        const client = dial(virtualIp.address);
        await until(() => client.heard !== '' || client.error !== undefined);
        found.push(client.heard.trim() || (client.error ?? ''));
      }
      return found;
    }

    it('gives new connections to either by turns, until it is removed', async () => {
      const virtualIp = await makeVirtualIp();
      await virtualIp.setBackends([await makeBackend('pg1')]);
      const backend = await makeBackend('pg2');
      await virtualIp.addSecond('two', {
        destination: () => ({ does: 'serve', name: 'pg2', backend }),
        random: undefined,
      });
      expect(virtualIp.status().backends).toEqual(['pg1', 'pg2']);
      expect((await answers(virtualIp, 4)).toSorted()).toEqual(['pg1', 'pg1', 'pg2', 'pg2']);
      await virtualIp.removeSecond('two');
      expect(await answers(virtualIp, 2)).toEqual(['pg1', 'pg1']);
      expect(virtualIp.connectionsTo('pg2')).toBe(2);
    });

    it('resets every second connection where it refuses, and refuses them all where it stands alone', async () => {
      const virtualIp = await makeVirtualIp();
      await virtualIp.setBackends([await makeBackend('pg1')]);
      await virtualIp.addSecond('two', {
        destination: () => ({ does: 'refuse', name: 'refuse' }),
        random: undefined,
      });
      expect((await answers(virtualIp, 4)).toSorted()).toEqual(['ECONNRESET', 'ECONNRESET', 'pg1', 'pg1']);
      await virtualIp.setBackends([]);
      expect(await answers(virtualIp, 2)).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
    });

    it('swallows what its black hole is given, also without a primary, and resets that at the end', async () => {
      const virtualIp = await makeVirtualIp();
      await virtualIp.addSecond('two', {
        destination: () => ({ does: 'blackhole', name: 'blackhole' }),
        random: undefined,
      });
      const lost = dial(virtualIp.address);
      await until(() => virtualIp.status().connections === 1);
      lost.socket.write('nobody reads this');
      await virtualIp.setBackends([await makeBackend('pg1')]);
      const found = dial(virtualIp.address);
      const another = dial(virtualIp.address);
      await until(() => found.heard + another.heard === 'pg1\n' && virtualIp.status().connections === 3);
      expect(lost).toMatchObject({ heard: '', ended: false, error: undefined });
      await virtualIp.removeSecond('two');
      await until(() => lost.error === 'ECONNRESET');
      const survivor = found.heard === '' ? another : found;
      expect(survivor.error).toBeUndefined();
    });

    it('follows the seed where it chooses at random', async () => {
      const runs: string[][] = [];
      for (const seed of [5, 5, 6]) {
        const virtualIp = await makeVirtualIp();
        const random = seededRandom(seed);
        await virtualIp.setBackends([await makeBackend('pg1')]);
        await virtualIp.addSecond('two', { destination: () => ({ does: 'refuse', name: 'refuse' }), random });
        runs.push(await answers(virtualIp, 16));
      }
      expect(runs[1]).toEqual(runs[0]);
      expect(runs[2]).not.toEqual(runs[0]);
      expect(new Set(runs[0])).toEqual(new Set(['pg1', 'ECONNRESET']));
    });
  });
});
