import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../process/wait.ts';
import { resetSocket } from './reset-socket.ts';

/** More than the buffers of two sockets on loopback hold. */
const TOO_MUCH = Buffer.alloc(32 * 1_048_576);

/** Two ends of a connection; the far end does not read. */
async function makePair(): Promise<{
  near: Socket;
  far: Socket;
  state: { closed: boolean; farError: string };
}> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [[far]] = await Promise.all([accepted, once(near, 'connect')]);
  server.close();
  const state = { closed: false, farError: '' };
  near.on('error', () => undefined);
  near.on('close', () => (state.closed = true));
  far.on('error', (error: NodeJS.ErrnoException) => (state.farError = error.code ?? ''));
  return { near, far, state };
}

async function until(condition: () => boolean): Promise<void> {
  expect(await waitFor(condition, { timeoutMs: 10_000 })).toBe(true);
}

describe('resetSocket', () => {
  it('is heard as a reset', async () => {
    const { near, far, state } = await makePair();
    far.resume();
    resetSocket(near);
    await until(() => state.closed && state.farError === 'ECONNRESET');
  });

  it('does not wait until what was written before is read', async () => {
    const { near, far, state } = await makePair();
    near.write(TOO_MUCH);
    resetSocket(near);
    await until(() => state.closed);
    // Cut off in the middle; that it reads as an end there and not as a reset is a matter of the Node version.
    let received = 0;
    far.on('data', (bytes: Buffer) => (received += bytes.length));
    far.resume();
    await until(() => far.destroyed);
    expect(received).toBeLessThan(TOO_MUCH.length);
  });

  it('closes its handle when the other end resets at the same time', async () => {
    const { near, far, state } = await makePair();
    near.write(TOO_MUCH);
    resetSocket(near);
    far.resetAndDestroy();
    await until(() => state.closed);
  });

  it('closes its handle while a FIN is under way', async () => {
    const { near, far, state } = await makePair();
    near.end();
    resetSocket(near);
    await until(() => state.closed);
    far.destroy();
  });

  it('does nothing twice', async () => {
    const { near, far, state } = await makePair();
    resetSocket(near);
    resetSocket(near);
    await until(() => state.closed);
    far.destroy();
  });
});
