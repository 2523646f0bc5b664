import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { probeTls } from './tls-probe.ts';

/** A listener that does with each connection what the test says. */
async function listen(serve: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const each of sockets) each.destroy();
    server.close();
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

const patient = { timeoutMs: 20_000, signal: new AbortController().signal };

describe('the beginning of a connection', () => {
  it('is the request for TLS, which a server may refuse', async () => {
    const asked: Buffer[] = [];
    const place = await listen((socket) => {
      socket.on('data', (chunk: Buffer) => {
        asked.push(chunk);
        socket.write('N');
      });
    });
    expect(await probeTls(place, '', patient)).toEqual({ is: 'no-tls' });
    expect(Buffer.concat(asked).toString('hex')).toBe('0000000804d2162f');
  });

  it('tells apart who closes, who is silent and who is not there', async () => {
    const closing = await listen((socket) => socket.end());
    expect(await probeTls(closing, '', patient)).toMatchObject({ is: 'unreachable' });
    const silent = await listen(() => {});
    expect(await probeTls(silent, '', { ...patient, timeoutMs: 50 })).toEqual({
      is: 'unreachable',
      reason: 'no answer within 50 ms',
    });
    expect(await probeTls({ host: '127.0.0.1', port: 1 }, '', patient)).toEqual({
      is: 'unreachable',
      reason: 'ECONNREFUSED',
    });
  });

  it('is given up with the caller', async () => {
    const stopping = new AbortController();
    const silent = await listen(() => stopping.abort(new Error('stopped')));
    await expect(probeTls(silent, '', { ...patient, signal: stopping.signal })).rejects.toThrow('stopped');
  });
});
