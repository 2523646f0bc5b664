import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../../engine/certificates.ts';
import type { ServerCertificates } from '../../own-secrets.ts';
import { findFreePort } from '../../process/ports.ts';
import { waitFor } from '../../process/wait.ts';
import { VirtualIp } from '../virtual-ip.ts';
import { TlsEnds } from './tls-ends.ts';

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const GSS_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48]);
const STARTUP = Buffer.from([0, 0, 0, 8, 0, 3, 0, 0]);
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

let directory: string;
let certificates: ServerCertificates;
let tls: TlsEnds;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'schooldb-relay-'));
  certificates = await makeCertificates();
  const file = async (name: string, content: string) => {
    await writeFile(join(directory, name), content);
    return join(directory, name);
  };
  tls = new TlsEnds({
    caFile: await file('ca', certificates.ca),
    certificateFile: await file('certificate', certificates.certificate),
    keyFile: await file('key', certificates.key),
  });
});
afterAll(() => rm(directory, { recursive: true }));

/** What a side heard, and how the connection ended for it. */
interface Side {
  raw: Socket;
  plain: Socket;
  heard: string;
  ended: boolean;
  error: string | undefined;
}

function listenTo(raw: Socket, plain: Socket): Side {
  const side: Side = { raw, plain, heard: '', ended: false, error: undefined };
  plain.on('data', (bytes: Buffer) => (side.heard += bytes.toString('latin1')));
  plain.on('end', () => (side.ended = true));
  for (const socket of new Set([raw, plain]))
    socket.on('error', (error: NodeJS.ErrnoException) => (side.error ??= error.code));
  return side;
}

/** A server that answers requests for encryption as told, and is then left to the test. */
async function makeServer({ ssl = 'S', direct = false }: { ssl?: string; direct?: boolean } = {}) {
  const sides: Side[] = [];
  const sockets: Socket[] = [];
  const requests: string[] = [];
  const context = createSecureContext({ cert: certificates.certificate, key: certificates.key });
  const secure = (socket: Socket) =>
    new TLSSocket(socket, { isServer: true, secureContext: context, ALPNProtocols: ['postgresql'] });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    if (direct) {
      sides.push(listenTo(socket, secure(socket)));
      return;
    }
    const answer = (bytes: Buffer) => {
      requests.push(bytes.toString('hex'));
      const wanted = bytes.equals(SSL_REQUEST) ? ssl : bytes.equals(GSS_REQUEST) ? 'N' : undefined;
      if (wanted === undefined || wanted === 'S') socket.off('data', answer).pause();
      if (wanted !== undefined && wanted !== '') socket.write(wanted);
      if (wanted === 'S') sides.push(listenTo(socket, secure(socket)));
      if (wanted === undefined) {
        socket.unshift(bytes);
        sides.push(listenTo(socket, socket));
        socket.resume();
      }
    };
    socket.on('data', answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { name: 'pg1', host: '127.0.0.1', port, sides, sockets, requests };
}

async function makeVirtualIp(backend: Awaited<ReturnType<typeof makeServer>>): Promise<VirtualIp> {
  const address = { host: '127.0.0.1', port: await findFreePort() };
  const virtualIp = new VirtualIp('master', address, { tls, always: true });
  cleanUps.push(() => virtualIp.close());
  await virtualIp.setBackends([backend]);
  return virtualIp;
}

function dial({ address }: VirtualIp): Socket {
  const raw = connect({ ...address, allowHalfOpen: true });
  raw.on('error', () => undefined);
  cleanUps.push(() => raw.destroy());
  return raw;
}

async function dialSecurely(virtualIp: VirtualIp, { direct = false } = {}): Promise<Side> {
  const raw = dial(virtualIp);
  if (!direct) {
    raw.write(SSL_REQUEST);
    const [answer] = (await once(raw, 'data')) as [Buffer];
    expect(answer.toString()).toBe('S');
  }
  const plain = connectTls({
    socket: raw,
    host: '127.0.0.1',
    ca: certificates.ca,
    ALPNProtocols: ['postgresql'],
  });
  const side = listenTo(raw, plain);
  await once(plain, 'secureConnect');
  expect(plain.authorized).toBe(true);
  return side;
}

async function until(condition: () => boolean): Promise<void> {
  expect(await waitFor(condition, { timeoutMs: 10_000, everyMs: 5 })).toBe(true);
}

/** A connection under TLS on which both sides have heard each other. */
async function makeConnection(options: { direct?: boolean } = {}) {
  const backend = await makeServer(options);
  const virtualIp = await makeVirtualIp(backend);
  const client = await dialSecurely(virtualIp, options);
  client.plain.write(STARTUP);
  await until(() => backend.sides[0]?.heard === STARTUP.toString('latin1'));
  const server = backend.sides[0] as Side;
  server.plain.write(READY);
  await until(() => client.heard === READY.toString('latin1'));
  return { virtualIp, client, server };
}

describe('Relay', () => {
  it.each([{ direct: false }, { direct: true }])('ends TLS towards both sides with %o', async (options) => {
    const { virtualIp, client } = await makeConnection(options);
    expect((client.plain as TLSSocket).alpnProtocol).toBe('postgresql');
    expect(virtualIp.unreadable()).toBe(0);
  });

  it('passes an end on as an end, and what still comes from the other side', async () => {
    const { virtualIp, client, server } = await makeConnection();
    client.plain.end('X\0\0\0\x04');
    await until(() => server.ended);
    expect(server.heard.endsWith('X\0\0\0\x04')).toBe(true);
    server.plain.end('last words');
    await until(() => client.ended);
    expect(client.heard.endsWith('last words')).toBe(true);
    expect([client.error, server.error]).toEqual([undefined, undefined]);
    await until(() => virtualIp.status().connections === 0);
  });

  it('passes the end of a server on as an end, also in the middle of a message', async () => {
    const { virtualIp, client, server } = await makeConnection();
    server.plain.end('E\0\0');
    await until(() => client.ended);
    expect(client.heard.endsWith('E\0\0')).toBe(true);
    expect(client.error).toBeUndefined();
    client.plain.end();
    await until(() => virtualIp.status().connections === 0);
  });

  it('passes a reset of the client on as a reset', async () => {
    const { virtualIp, client, server } = await makeConnection();
    client.raw.resetAndDestroy();
    await until(() => server.error === 'ECONNRESET');
    await until(() => virtualIp.status().connections === 0);
  });

  it('passes a reset of the server on as a reset', async () => {
    const { virtualIp, client, server } = await makeConnection();
    server.raw.resetAndDestroy();
    await until(() => client.error === 'ECONNRESET');
    await until(() => virtualIp.status().connections === 0);
  });

  it('holds new connections and their handshake back in a black hole', async () => {
    const backend = await makeServer();
    const virtualIp = await makeVirtualIp(backend);
    await virtualIp.addFault('hole', { name: 'blackhole', direction: 'downstream' });
    let answered = false;
    const client = dialSecurely(virtualIp).finally(() => (answered = true));
    await until(() => backend.requests.length === 1 && backend.sides.length === 1);
    expect(answered).toBe(false);
    await virtualIp.removeFault('hole');
    await client;
  });

  it('resets open connections with reset_peer', async () => {
    const { virtualIp, client, server } = await makeConnection();
    await virtualIp.addFault('reset', { name: 'reset_peer' });
    await until(() => client.error === 'ECONNRESET' && server.error === 'ECONNRESET');
    await until(() => virtualIp.status().connections === 0);
  });

  it('closes in order at a limit', async () => {
    const { virtualIp, client, server } = await makeConnection();
    await virtualIp.addFault('limit', { name: 'limit_data', direction: 'upstream', limitBytes: 100 });
    client.plain.write('x'.repeat(1_000));
    await until(() => client.ended && server.ended);
    expect([client.error, server.error]).toEqual([undefined, undefined]);
  });

  it('reads no faster than the other side takes', async () => {
    const { client, server } = await makeConnection();
    server.plain.pause();
    let written = 0;
    const message = Buffer.alloc(1_048_576);
    message.write('d');
    message.writeUInt32BE(message.length - 1, 1);
    for (let count = 0; count < 64; count += 1) client.plain.write(message, () => (written += 1));
    let steady = 0;
    let last = -1;
    await until(() => {
      steady = written === last ? steady + 1 : 0;
      last = written;
      return steady > 100;
    });
    expect(written).toBeLessThan(48);
    server.plain.resume();
    await until(() => written === 64);
  });

  it('delivers the last message to a server that is slow to read, although the client is reset', async () => {
    const { virtualIp, client, server } = await makeConnection();
    server.plain.pause();
    const fault = {
      name: 'cut-at-message',
      direction: 'upstream',
      message: 2,
      delivered: true,
      cut: 'reset',
    } as const;
    virtualIp.addCut('cut', fault, 1, () => undefined);
    const message = Buffer.alloc(1_500_000, 'x');
    message.write('d');
    message.writeUInt32BE(message.length - 1, 1);
    const before = server.heard.length;
    client.plain.write(message);
    client.plain.write(message);
    client.plain.write(message);
    await until(() => client.error === 'ECONNRESET');
    expect(server.ended).toBe(false);
    server.plain.resume();
    await until(() => server.ended);
    expect(server.heard.length - before).toBe(2 * message.length);
    expect(server.error).toBeUndefined();
  });

  it.each([0, 1, 2, 3, 4, 5])(
    'leaves no handle behind when it is reset %i ticks after a cut',
    async (ticks) => {
      const { virtualIp, client } = await makeConnection();
      const later = (left: number, then: () => void) => {
        if (left === 0) then();
        else process.nextTick(later, left - 1, then);
      };
      const fault = {
        name: 'cut-at-message',
        direction: 'upstream',
        message: 1,
        delivered: true,
        cut: 'reset',
      } as const;
      // While the end towards the server is under way libuv refuses to reset.
      virtualIp.addCut('cut', fault, 1, () => later(ticks, () => void virtualIp.close()));
      client.plain.write('Q\0\0\0\x05\0');
      await until(() => virtualIp.status().connections === 0);
    },
  );

  it('asks the server for GSSAPI, and for TLS after its refusal', async () => {
    const backend = await makeServer();
    const virtualIp = await makeVirtualIp(backend);
    const raw = dial(virtualIp);
    raw.write(GSS_REQUEST);
    const [answer] = (await once(raw, 'data')) as [Buffer];
    expect(answer.toString()).toBe('N');
    raw.write(SSL_REQUEST);
    const [second] = (await once(raw, 'data')) as [Buffer];
    expect(second.toString()).toBe('S');
    expect(backend.requests).toEqual([GSS_REQUEST.toString('hex'), SSL_REQUEST.toString('hex')]);
  });

  it('reads plain text where the server has no TLS', async () => {
    const backend = await makeServer({ ssl: 'N' });
    const virtualIp = await makeVirtualIp(backend);
    const raw = dial(virtualIp);
    raw.write(SSL_REQUEST);
    const [answer] = (await once(raw, 'data')) as [Buffer];
    expect(answer.toString()).toBe('N');
    raw.write(STARTUP);
    await until(() => backend.sides[0]?.heard === STARTUP.toString('latin1'));
    const over: string[] = [];
    virtualIp.addCut('cut', { name: 'cut-after-commit', cut: 'reset' }, 1, () => over.push('cut'));
    const client = listenTo(raw, raw);
    backend.sides[0]?.plain.write(READY);
    // Node 22 and older tell a reset as an end where unread bytes lie before it.
    await until(() => client.heard === READY.toString('latin1'));
    backend.sides[0]?.plain.write(Buffer.from('C\0\0\0\x0bCOMMIT\0', 'latin1'));
    await until(() => client.error === 'ECONNRESET' && backend.sides[0]?.ended === true);
    expect(client.heard).toBe(READY.toString('latin1'));
    expect(over).toEqual(['cut']);
  });

  it('passes an error in place of an answer on, unread', async () => {
    const backend = await makeServer({ ssl: 'E\0\0\0\x09SFATAL' });
    const virtualIp = await makeVirtualIp(backend);
    const raw = dial(virtualIp);
    const client = listenTo(raw, raw);
    raw.write(SSL_REQUEST);
    await until(() => client.heard === 'E\0\0\0\x09SFATAL');
    expect(virtualIp.unreadable()).toBe(1);
    for (const socket of backend.sockets) socket.end();
    await until(() => client.ended);
  });

  it('passes what is not PostgreSQL on, unread', async () => {
    const backend = await makeServer();
    const virtualIp = await makeVirtualIp(backend);
    const raw = dial(virtualIp);
    raw.write('GET / HTTP/1.1\r\n');
    await until(() => backend.sides[0]?.heard === 'GET / HTTP/1.1\r\n');
    expect(virtualIp.unreadable()).toBe(1);
  });

  it('passes the end of a client that asked for nothing', async () => {
    const backend = await makeServer();
    const virtualIp = await makeVirtualIp(backend);
    const raw = dial(virtualIp);
    const client = listenTo(raw, raw);
    raw.end();
    await until(() => backend.sockets[0]?.readableEnded === true);
    backend.sockets[0]?.end();
    await until(() => client.ended);
    expect(client.error).toBeUndefined();
    await until(() => virtualIp.status().connections === 0);
  });

  it('lets go of a server that never answers once the client has gone', async () => {
    const backend = await makeServer({ ssl: '' });
    const virtualIp = await makeVirtualIp(backend);
    const raw = dial(virtualIp);
    raw.write(SSL_REQUEST);
    await until(() => backend.requests.length === 1);
    raw.resetAndDestroy();
    await until(() => virtualIp.status().connections === 0);
  });

  it('resets both when the client does not trust the certificate', async () => {
    const backend = await makeServer();
    const virtualIp = await makeVirtualIp(backend);
    const raw = dial(virtualIp);
    raw.write(SSL_REQUEST);
    await once(raw, 'data');
    const plain = connectTls({ socket: raw, host: '127.0.0.1' });
    await expect(once(plain, 'secureConnect')).rejects.toThrow(/certificate/);
    await until(() => virtualIp.status().connections === 0);
  });
});
