import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SchoolDb } from '@schooldb/client';
import { expect, it } from 'vitest';
import { Live } from './live.ts';
import type { Outage } from './outage.ts';

it('a browser that has left while its session was looked up leaves no stream behind', async () => {
  const live = new Live({} as SchoolDb, { onChange: () => () => {} } as unknown as Outage);
  const server = createServer().listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const browser = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    browser.on('error', () => {});
    const [, response] = await once(server, 'request');
    const left = once(response, 'close');
    browser.destroy();
    await left;
    live.open(1, response);
    expect(live.streams).toBe(0);
  } finally {
    live.close();
    server.close();
  }
});
