import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../../endpoint.ts';
import { findFreePort } from '../../process/ports.ts';
import { RestGate, sourceOf } from './rest-gate.ts';

describe('sourceOf', () => {
  it.each([
    [`GET / HTTP/1.1\r\nAuthorization: Basic ${btoa('pg2:secret')}\r\n\r\n`, 'pg2'],
    [`GET / HTTP/1.1\r\nhost: x\r\nauthorization: basic ${btoa('pg12:a:b')}\r\n\r\n`, 'pg12'],
    ['GET / HTTP/1.1\r\nhost: x\r\n\r\n', undefined],
  ])('reads the user from %j', (head, source) => {
    expect(sourceOf(head)).toBe(source);
  });
});

describe('RestGate', () => {
  const server = createServer((asked, answer) => answer.end(`${asked.method} ${asked.url}`));
  let gate: RestGate;
  let address: Address;

  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = { host: '127.0.0.1', port: await findFreePort() };
    const far = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    gate = await RestGate.open(address, far, ['pg1', 'pg2']);
  });
  afterEach(async () => {
    await gate.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function ask(user: string | undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      const auth = user === undefined ? {} : { auth: `${user}:x` };
      const asking = request({ ...address, path: '/patroni', agent: false, ...auth });
      asking.once('error', reject);
      asking.once('response', (answer: IncomingMessage) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.once('end', () => resolve(text));
      });
      asking.end();
    });
  }

  it('carries requests of everybody', async () => {
    for (const user of ['pg1', 'pg2', 'somebody', undefined]) expect(await ask(user)).toBe('GET /patroni');
  });

  it('holds the requests of one node, and lets them through later', async () => {
    gate.passages.get('pg1')?.setHeld(true);
    let answered = false;
    const held = ask('pg1').then((text) => {
      answered = true;
      return text;
    });
    for (let round = 1; round <= 20; round += 1) expect(await ask('pg2')).toBe('GET /patroni');
    expect(answered).toBe(false);
    gate.passages.get('pg1')?.setHeld(false);
    expect(await held).toBe('GET /patroni');
  });

  it('resets who asks, and who has not asked yet, when it is closed', async () => {
    gate.passages.get('pg1')?.setHeld(true);
    const held = ask('pg1');
    held.catch(() => undefined);
    await ask('pg2');
    await gate.close();
    await expect(held).rejects.toThrow(/ECONNRESET|hang up/);
  });
});
